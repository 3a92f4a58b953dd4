"""Answers questions about model folders with the real packages: one JSON object a line in, one out. For test/support/python.ts."""
import base64
import json
import sys

import torch
import transformers
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from transformers import AutoConfig, AutoModel, AutoTokenizer

torch.set_num_threads(1)
torch.set_grad_enabled(False)


def numbers(tensor):
    values = tensor.detach().to(torch.float32).contiguous()
    return {'shape': list(values.shape), 'data': base64.b64encode(values.numpy().tobytes()).decode()}


def tokens_of(folder, model, texts):
    """The states or logits of each text alone, one behind the other: nothing is padded."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [model(**{key: value for key, value in tokenizer(text, return_tensors='pt').items() if key in ('input_ids', 'attention_mask')}) for text in texts]


def sentence(job):
    """Vectors of sentence-transformers."""
    model = SentenceTransformer(job['folder'], device='cpu')
    return {'vectors': numbers(model.encode(job['texts'], convert_to_tensor=True)), 'maxLength': model.max_seq_length}


def windows(job):
    """The vector of one long text from windows: its pooling over the tokens of all windows, then the other modules. For 'cls', the mean by length."""
    model = SentenceTransformer(job['folder'], device='cpu')
    tokenizer = model.tokenizer
    ids = lambda text: tokenizer(text, add_special_tokens=False)['input_ids']
    prompt = len(ids(job['prompt']))
    content = ids(job['prompt'] + job['text'])
    size = model.max_seq_length - 2 - prompt
    states = []
    for start in range(prompt, len(content), size):
        row = [tokenizer.cls_token_id, *content[:prompt], *content[start:start + size], tokenizer.sep_token_id]
        features = {'input_ids': torch.tensor([row]), 'attention_mask': torch.ones(1, len(row), dtype=torch.long)}
        tokens = model[0](features)['token_embeddings'][0]
        states.append(tokens if model[1].include_prompt else tokens[1 + prompt:])
    pool = lambda tokens: model[1]({'token_embeddings': tokens[None], 'attention_mask': torch.ones(1, len(tokens), dtype=torch.long)})
    whole = torch.cat(states)
    features = pool(whole)
    if job['weighted']:
        parts = [pool(tokens)['sentence_embedding'] * len(tokens) / len(whole) for tokens in states]
        features['sentence_embedding'] = torch.stack(parts).sum(0)
    for module in list(model)[2:]:
        features = module(features)
    return {'vectors': numbers(features['sentence_embedding']), 'windows': len(states)}


def auto(job):
    """Token states of AutoModel, and what it found missing in the file."""
    model, info = AutoModel.from_pretrained(job['folder'], output_loading_info=True)
    states = torch.cat([out.last_hidden_state[0] for out in tokens_of(job['folder'], model.eval(), job['texts'])])
    # A pooler that was never there is drawn anew; nothing else may be.
    missing = sorted(name for name in info['missing_keys'] if not name.startswith('pooler.'))
    return {'states': numbers(states), 'missing': missing, 'unexpected': sorted(info['unexpected_keys']), 'class': type(model).__name__}


def classify(job):
    """Logits of the class that config.json names, read as that class."""
    name = AutoConfig.from_pretrained(job['folder']).architectures[0]
    model, info = getattr(transformers, name).from_pretrained(job['folder'], output_loading_info=True)
    outputs = tokens_of(job['folder'], model.eval(), job['texts'])
    logits = torch.cat([out.logits.reshape(-1, out.logits.shape[-1]) for out in outputs])
    labels = [model.config.id2label[i] for i in range(model.config.num_labels)]
    return {'class': name, 'logits': numbers(logits), 'labels': labels, 'problem': model.config.problem_type,
            'missing': sorted(info['missing_keys']), 'unexpected': sorted(info['unexpected_keys'])}


def make(job):
    """Writes a checkpoint of a class around the encoder of a folder, its classifier drawn from a seed, wide enough to matter."""
    config = AutoConfig.from_pretrained(job['folder'])
    config.id2label = dict(enumerate(job['labels']))
    config.label2id = {label: i for i, label in config.id2label.items()}
    config.problem_type = job.get('problem')
    torch.manual_seed(job['seed'])
    model = getattr(transformers, job['class'])(config)
    encoder = AutoModel.from_pretrained(job['folder'])
    base = getattr(model, model.base_model_prefix)
    base.load_state_dict({k: v for k, v in encoder.state_dict().items() if not k.startswith('pooler.')}, strict=False)
    for name, parameter in model.named_parameters():
        if 'classifier' in name or 'pooler' in name:
            parameter.normal_(0, 0.3)
    model.save_pretrained(job['to'])
    AutoTokenizer.from_pretrained(job['folder']).save_pretrained(job['to'])
    return {}


def header(job):
    """The tensors as Python's safetensors reads them."""
    return {'tensors': {name: [str(tensor.dtype), list(tensor.shape)] for name, tensor in load_file(job['file']).items()}}


def events(job):
    """The scalars of a TensorBoard event file, as its own reader sees them: tag -> [step, value] pairs."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(job['folder'], size_guidance={'scalars': 0})
    accumulator.Reload()
    return {'scalars': {tag: [[event.step, event.value] for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()['scalars']}}


JOBS = {job.__name__: job for job in (sentence, windows, auto, classify, make, header, events)}

for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = JOBS[question['job']](question)
    except Exception as error:  # told to the test that asked
        answer = {'error': f'{type(error).__name__}: {error}'}
    # Progress bars and warnings go to stderr; a print of a package would break the line.
    sys.stdout.write('\n' + json.dumps(answer) + '\n')
    sys.stdout.flush()
