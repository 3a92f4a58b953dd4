"""Writes test/golden/training: logits, losses, gradients, optimizer runs and loss curves of joint training on the tiny models of test/fixtures.

usage: make-training-golden.py      in the environment of the reference (torch, transformers, sentence-transformers)
Each value is made in float32 and again in float64: where they differ by a notable part of what the tests allow, the script fails.
"""
import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

warnings.filterwarnings('ignore')
os.environ.update(HF_HUB_OFFLINE='1', TRANSFORMERS_VERBOSITY='error', TQDM_DISABLE='1')
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from safetensors.torch import save_file
from transformers.utils import logging

from golden import files
from golden.training_cases import joint, measure, probe, resolve_plan, variants, windows
from golden.training_data import HEADS, plan, target_vectors
from golden.training_model import Joint, Task
from golden.training_runs import Recipe, train

ROOT = Path(__file__).parent.parent / 'test'
MODELS, OVERLAYS, OUT = ROOT / 'fixtures/models', ROOT / 'fixtures/overlays', ROOT / 'golden/training'
FAMILIES = ('bert', 'distilbert', 'roberta', 'mpnet')
SCRIPT = 'scripts/make-training-golden.py'
TABLES = ('embeddings.word_embeddings.weight', 'embeddings.position_embeddings.weight')

# 5 steps of two micro-batches. eps is large enough that gradients which are rounding alone (those of the key biases: the softmax cancels them) move nothing.
STEPS = dict(learningRate=2e-4, headLearningRate=1e-3, layerDecay=0.8, weightDecay=0.05, warmup=2, total=8, eps=1e-5)
RUNS = {'adamw': Recipe('adamw', maxGradNorm=1.0, **STEPS), 'adam': Recipe('adam', maxGradNorm=1.0, beta1=0.85, beta2=0.99, **STEPS)}
CURVE = Recipe('adamw', learningRate=1e-3, headLearningRate=3e-3, layerDecay=0.9, weightDecay=0.01, maxGradNorm=1.0, warmup=5, total=60)
LENGTH = 50


class Checked:
    """Compares what float32 gave with float64."""

    def __init__(self):
        self.worst: dict[str, float] = {}

    def __call__(self, what: str, single, double, limit: float) -> None:
        difference = float(np.abs(np.asarray(single, np.float64) - np.asarray(double, np.float64)).max())
        self.worst[what] = max(self.worst.get(what, 0), difference / limit)
        assert difference <= limit, f'{what}: float32 is off by {difference:.2g}, at most {limit:.2g} is wanted'


def kept_rows(model: Joint, name: str) -> list[int]:
    """Of a table: the rows that the corpus reads and a few others."""
    ids, offsets = model.data['ids'], model.data['offsets']
    size = model.parameters_by_name()[name].shape[0]
    if 'word' in name:
        used = set(ids)
    else:
        # RoBERTa and MPNet count positions from the padding id plus one.
        begin = model.encoder.config.pad_token_id + 1 if model.family in ('roberta', 'mpnet') else 0
        used = set(range(begin, begin + max(b - a for a, b in zip(offsets, offsets[1:]))))
    others = [i for i in range(size) if i not in used]
    return sorted(used | set(others[:3]) | set(others[-3:]))


def stored(model: Joint, prefix: str, tensors: dict[str, torch.Tensor], rows: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    return {f'{prefix}/{name}': (tensor[rows[name]] if name in rows else tensor).detach().clone().contiguous() for name, tensor in tensors.items()}


def family_golden(family: str, checked: Checked) -> None:
    folder = MODELS / family
    model, exact = Joint(folder, joint()), Joint(folder, joint(), dtype=torch.float64)
    rows = {name: kept_rows(model, name) for name in TABLES}
    tensors = {f'value/{name}': p.detach().clone() for name, p in model.parameters_by_name().items() if name.startswith('heads.')}
    everything = list(range(len(model.data['offsets']) - 1))
    for task in model.tasks:
        values = [torch.cat([m.logits(task, *m.states([i])) for i in everything]).detach() for m in (model, exact)]
        checked('logits', *values, 3e-6)
        tensors[f'logits/{task.head}'] = values[0]

    given = plan(1, 2, 10, 3)
    single, double = (measure(m, windows(given)[0]) for m in (model, exact))
    largest = max(float(g.abs().max()) for g in single['gradients'].values())
    for name, gradient in single['gradients'].items():
        checked('gradients', gradient, double['gradients'][name], 2e-6 * largest)
        skipped = [i for i in range(len(gradient)) if i not in rows[name]] if name in rows else []
        assert not gradient[skipped].any(), name
    checked('losses', single['losses'], double['losses'], 2e-6)
    tensors |= stored(model, 'gradient', single.pop('gradients'), rows)
    window = {**given, **single, 'largest': largest}

    runs = {}
    for kind, recipe in RUNS.items():
        steps = plan(5, 2, 5, 11)
        pair = [Joint(folder, joint(), dtype=dtype) for dtype in (torch.float32, torch.float64)]
        result, exact_result = (train(m, recipe, steps) for m in pair)
        assert max(result['gradientNorm']) > recipe.maxGradNorm > 0.1
        checked('run losses', result['loss'], exact_result['loss'], 5e-6)
        double_values = pair[1].parameters_by_name()
        for name, parameter in pair[0].parameters_by_name().items():
            checked(f'weights, {kind}', parameter.detach(), double_values[name].detach(), 5e-7)
        tensors |= stored(model, kind, pair[0].parameters_by_name(), rows)
        runs[kind] = {**steps, 'recipe': asdict(recipe), **result}

    curve = curves(folder, checked)
    dropout = {which: dropout_statistics(folder, which) for which in ('hidden', 'attention')}
    content = {
        'made': files.header(SCRIPT), 'base': family, 'corpus': model.data, 'heads': head_sources(model.tasks, model),
        'tasks': [task_source(task) for task in model.tasks], 'rows': rows, 'window': window, 'runs': runs, 'curve': curve, 'dropout': dropout,
    }  # fmt: skip
    files.write(OUT / f'{family}.json', content)
    save_file(tensors, OUT / f'{family}.safetensors')


def curves(folder: Path, checked: Checked) -> dict:
    steps = plan(LENGTH, 1, 8, 21)
    made = [train(Joint(folder, joint(), dtype=dtype), CURVE, steps) for dtype in (torch.float32, torch.float64)]
    checked('curve', made[0]['loss'], made[1]['loss'], 3e-5)
    half = train(Joint(folder, joint()), CURVE, steps, autocast=True)
    relative = np.abs(np.array(half['loss']) / made[0]['loss'] - 1).max()
    assert relative < 0.01, f'bfloat16 is {relative:.2%} off float32'
    print(f'{folder.name}: loss {made[0]["loss"][0]:.4f} → {made[0]["loss"][-1]:.4f}; bfloat16 within {relative:.2%}')
    keep = ('groups', 'multipliers', 'loss')
    return {**steps, 'recipe': asdict(CURVE), **{key: made[0][key] for key in keep}, 'bfloat16': half['loss']}


def dropout_statistics(folder: Path, which: str) -> dict:
    """Mean and deviation of one loss over many draws of dropout in the encoder, and the loss where dropout takes everything: that shows at which
    places each family has it."""
    names = {'hidden': ('hidden_dropout_prob', 'dropout'), 'attention': ('attention_probs_dropout_prob', 'attention_dropout')}
    p = {'hidden': 0.3, 'attention': 0.5}[which]
    torch.manual_seed(0)

    def draws(p: float, count: int) -> np.ndarray:
        rates = {names[kind][folder.name == 'distilbert']: p if kind == which else 0.0 for kind in names}
        model = Joint(folder, [Task('intent')], rates=rates)
        model.encoder.train()
        truth = torch.tensor([model.data['labels']['intent'][i] for i in rows])
        with torch.inference_mode():
            logits = model.logits(model.tasks[0], *model.states(rows * count))
            return torch.nn.functional.cross_entropy(logits, truth.repeat(count), reduction='none').view(count, -1).mean(1).double().numpy()

    labels = Joint(folder, [Task('intent')]).data['labels']['intent']
    rows = [i for i, label in enumerate(labels) if label != -100][:8]
    many = np.concatenate([draws(p, 64) for _ in range(64)])
    return {'p': p, 'rows': rows, 'draws': len(many), 'mean': many.mean(), 'deviation': many.std(ddof=1), 'everything': draws(1.0, 1)[0]}


def task_source(task: Task) -> dict:
    return {'head': task.head, 'loss': HEADS[task.head][4], 'weight': task.weight, 'labelSmoothing': task.labelSmoothing, 'classWeights': task.classWeights}


def head_sources(tasks: list[Task], model: Joint) -> list[dict]:
    return [
        {
            'name': task.head, 'type': HEADS[task.head][0], 'sizes': [*task.hidden, HEADS[task.head][1]], 'activation': task.activation,
            'pooling': task.pooling if HEADS[task.head][0] == 'classification' else [], 'steps': task.steps,
            'inputs': model.heads[task.head][0].in_features,
        }
        for task in tasks
    ]  # fmt: skip


def variant_golden(checked: Checked) -> None:
    """bert: every loss by itself, poolings, activations, Dense modules. Gradients as two numbers for each parameter."""
    folder, tensors, cases = MODELS / 'bert', {'targets': torch.from_numpy(target_vectors(32))}, []
    for case in variants(OVERLAYS):
        shape = {'targets': case['targets'], 'uncertainty': case.get('uncertainty', False), 'dense': case.get('dense', [])}
        pair = [Joint(folder, [Task(**vars(t)) for t in case['tasks']], **shape, dtype=dtype) for dtype in (torch.float32, torch.float64)]
        given = resolve_plan(pair[0], case.get('plan'))
        single, double = (measure(m, windows(given)[0]) for m in pair)
        names = list(single['gradients'])
        probes = [[probe(name, m['gradients'][name]) for name in names] for m in (single, double)]
        largest = max(float(g.abs().max()) for g in single['gradients'].values() if g is not None)
        checked('losses', single['losses'], double['losses'], 2e-6)
        checked('probes', *probes, 1e-5 * largest)
        index = len(cases)
        for name, parameter in pair[0].parameters_by_name().items():
            if name.startswith('heads.'):
                tensors[f'{index}/value/{name}'] = parameter.detach().clone()
        cases.append({
            'name': case['name'], 'dense': bool(shape['dense']), 'uncertainty': shape['uncertainty'],
            'heads': head_sources(pair[0].tasks, pair[0]), 'tasks': [task_source(t) for t in case['tasks']], 'targets': [asdict(t) for t in case['targets']],
            **given, **{key: single[key] for key in ('loss', 'losses', 'items', 'correct')}, 'largest': largest,
            'absent': [name for name in names if single['gradients'][name] is None], 'names': names, 'probes': files.matrix(probes[0]),
        })  # fmt: skip
    uncertain = uncertain_run(folder, checked, tensors)
    content = {'made': files.header(SCRIPT), 'base': 'bert', 'corpus': pair[0].data, 'cases': cases, 'uncertainty': uncertain, 'initial': initial_heads(tensors)}
    files.write(OUT / 'variants.json', content)
    save_file(tensors, OUT / 'variants.safetensors')


def uncertain_run(folder: Path, checked: Checked, tensors: dict) -> dict:
    """5 steps of uncertainty weighting; in the third `mood` is absent: neither its weights nor its s move then."""

    def tasks() -> list[Task]:
        return [Task('intent'), Task('mood'), Task('slots')]

    pair = [Joint(folder, tasks(), uncertainty=True, dtype=dtype) for dtype in (torch.float32, torch.float64)]
    steps = plan(5, 2, 5, 31)
    unlabelled = [i for i, label in enumerate(pair[0].data['labels']['mood']) if label == -100]
    third = slice(steps['batches'][steps['steps'][2]], steps['batches'][steps['steps'][3]])
    steps['order'][third] = (unlabelled * 3)[: third.stop - third.start]
    tensors |= {f'run/value/{name}': p.detach().clone() for name, p in pair[0].parameters_by_name().items() if name.startswith('heads.')}
    single, double = (train(m, RUNS['adamw'], steps) for m in pair)
    checked('run losses', single['loss'], double['loss'], 5e-6)
    exact = pair[1].parameters_by_name()
    for name, parameter in pair[0].parameters_by_name().items():
        checked('weights, uncertainty', parameter.detach(), exact[name].detach(), 5e-7)
        if name.startswith(('heads.', 'uncertainty.')):
            tensors[f'run/after/{name}'] = parameter.detach().clone()
    return {'heads': head_sources(pair[0].tasks, pair[0]), 'tasks': [task_source(t) for t in tasks()], 'recipe': asdict(RUNS['adamw']), **steps, **single}


def padding_golden(checked: Checked) -> None:
    """Texts that hold the padding token. transformers gives its word, and in some families its position, no gradient. Gradients as two numbers."""
    cases = []
    for family in FAMILIES:
        pair = [Joint(MODELS / family, [Task('intent')], dtype=dtype) for dtype in (torch.float32, torch.float64)]
        padding, data = pair[0].encoder.config.pad_token_id, pair[0].data
        given = plan(1, 2, 6, 4)
        for model in pair:
            for row in given['order'][::2]:
                model.data['ids'][data['offsets'][row] + 1] = padding
        single, double = (measure(m, windows(given)[0]) for m in pair)
        gradients = single['gradients']
        assert not gradients['embeddings.word_embeddings.weight'][padding].any()
        largest = max(float(g.abs().max()) for g in gradients.values())
        probes = [[probe(name, m['gradients'][name]) for name in gradients] for m in (single, double)]
        checked('probes', *probes, 1e-5 * largest)
        cases.append({
            'base': family, 'padding': padding, 'corpus': {**data, 'labels': {'intent': data['labels']['intent']}}, **given,
            'heads': head_sources(pair[0].tasks, pair[0]), 'tasks': [task_source(task) for task in pair[0].tasks],
            'loss': single['loss'], 'largest': largest, 'names': list(gradients), 'probes': files.matrix(probes[0]),
        })  # fmt: skip
    files.write(OUT / 'padding.json', {'made': files.header(SCRIPT), 'cases': cases})


def initial_heads(tensors: dict) -> list[dict]:
    """Heads as PyTorch draws them: Linear after Linear from one seed."""
    cases = []
    for seed, inputs, sizes in ((0, 32, [5]), (7, 32, [12, 4]), (2**32 - 1, 32, [10, 6, 3]), (123456, 32, [1]), (5, 32, [70])):
        torch.manual_seed(seed)
        at = inputs
        for layer, size in enumerate(sizes):
            made = torch.nn.Linear(at, size)
            for part in ('weight', 'bias'):
                tensors[f'initial/{len(cases)}/{layer}.{part}'] = getattr(made, part).detach().clone()
            at = size
        cases.append({'seed': seed, 'inputs': inputs, 'sizes': sizes})
    return cases


def main() -> None:
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    checked = Checked()
    OUT.mkdir(parents=True, exist_ok=True)
    for family in FAMILIES:
        family_golden(family, checked)
    variant_golden(checked)
    padding_golden(checked)
    for what, share in checked.worst.items():
        print(f'{what}: float32 is off by {share:.0%} of what is allowed here')


if __name__ == '__main__':
    main()
