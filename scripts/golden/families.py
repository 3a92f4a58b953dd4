"""Tiny models of every family: random weights large enough that a mistake in any tensor shows, sizes that fit no vector register evenly."""
import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

BERT = dict(hidden_size=32, num_attention_heads=4, num_hidden_layers=2, intermediate_size=64, max_position_embeddings=64)
# name → model class, class with heads, config keys, max_seq_length
FAMILIES = {
    'bert': ('BertModel', 'BertForPreTraining', BERT, 48),
    'distilbert': ('DistilBertModel', 'DistilBertForMaskedLM', dict(dim=44, n_heads=4, n_layers=2, hidden_dim=72, max_position_embeddings=80), 80),
    'roberta': ('RobertaModel', 'RobertaForMaskedLM',
                dict(hidden_size=36, num_attention_heads=4, num_hidden_layers=2, intermediate_size=52, max_position_embeddings=82,
                     type_vocab_size=1, layer_norm_eps=1e-5), 80),
    'xlm-roberta': ('XLMRobertaModel', 'XLMRobertaForMaskedLM',
                    dict(hidden_size=32, num_attention_heads=2, num_hidden_layers=3, intermediate_size=64, max_position_embeddings=66,
                         type_vocab_size=1, layer_norm_eps=1e-5), 64),
    # 160 usable positions: distances beyond 128 share the last relative-position bucket.
    'mpnet': ('MPNetModel', 'MPNetForMaskedLM',
              dict(hidden_size=40, num_attention_heads=4, num_hidden_layers=2, intermediate_size=64, max_position_embeddings=162,
                   layer_norm_eps=1e-5), 160),
}  # fmt: skip

# One of each prefix; XLM-RoBERTa's is RoBERTa's.
HEADED = ('bert', 'distilbert', 'roberta', 'mpnet')

POOLING = {
    'cls': 'pooling_mode_cls_token',
    'max': 'pooling_mode_max_tokens',
    'mean': 'pooling_mode_mean_tokens',
    'mean_sqrt_len_tokens': 'pooling_mode_mean_sqrt_len_tokens',
    'weightedmean': 'pooling_mode_weightedmean_tokens',
    'lasttoken': 'pooling_mode_lasttoken',
}


def hidden_size(family: str) -> int:
    sizes = FAMILIES[family][2]
    return sizes.get('hidden_size', sizes.get('dim'))


def random_tensor(name: str, shape: tuple) -> torch.Tensor:
    """Depends on the tensor's name and shape alone, so that adding a family changes no other."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if 'norm' in name.lower():
        return torch.from_numpy(1 + 0.3 * noise if name.endswith('weight') else 0.3 * noise)
    if 'relative_attention_bias' in name:
        return torch.from_numpy(noise)
    if 'embeddings' in name:
        return torch.from_numpy(0.5 * noise)
    # A gain of about one: larger ones amplify rounding from layer to layer until float32 itself is not a reference.
    return torch.from_numpy(noise / np.float32(shape[-1] ** 0.5) if name.endswith('weight') else 0.2 * noise)


def randomize(model: torch.nn.Module, prefix: str, seed_of: str) -> None:
    """The encoder's tensors get the same values with and without heads around it."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(random_tensor(f'{seed_of}/{name.removeprefix(prefix)}', tuple(parameter.shape)))


def encoder(family: str, tokenizer_size: int, pad_token_id: int):
    model_class, _, sizes, _ = FAMILIES[family]
    kind = getattr(transformers, model_class)
    config = kind.config_class(vocab_size=tokenizer_size, pad_token_id=pad_token_id, **sizes)
    extra = {} if family == 'distilbert' else {'add_pooling_layer': False}
    model = kind(config, **extra).eval()
    randomize(model, '', family)
    return model


def with_heads(family: str, config):
    kind = getattr(transformers, FAMILIES[family][1])
    model = kind(config).eval()
    randomize(model, kind.base_model_prefix + '.', family)
    return model


def pooling_config(family: str, modes: list[str]) -> dict:
    """The long-standing keys; the last three came later and are often absent."""
    keys = {key: mode in modes for mode, key in POOLING.items()}
    return {'word_embedding_dimension': hidden_size(family), **keys}


MODULES = {
    'transformer': ('', 'Transformer'), 'pooling': ('1_Pooling', 'Pooling'), 'normalize': ('2_Normalize', 'Normalize'),
    'dense': ('2_Dense', 'Dense'), 'dense2': ('3_Dense', 'Dense'),
}  # fmt: skip


def modules(*names: str) -> list[dict]:
    return [
        {'idx': i, 'name': str(i), 'path': MODULES[name][0], 'type': f'sentence_transformers.models.{MODULES[name][1]}'}
        for i, name in enumerate(names)
    ]


def write_json(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')


def save_folder(family: str, model, tokenizer_folder: Path, into: Path) -> None:
    """A sentence-transformers folder in the shape that most folders on the hub have: mean pooling, no Normalize, two prompts."""
    model.save_pretrained(into)
    for file in sorted(tokenizer_folder.iterdir()):
        if file.is_file():
            shutil.copyfile(file, into / file.name)
    write_json(into / 'modules.json', modules('transformer', 'pooling'))
    write_json(into / '1_Pooling/config.json', pooling_config(family, ['mean']))
    write_json(into / 'sentence_bert_config.json', {'max_seq_length': FAMILIES[family][3], 'do_lower_case': False})
    write_json(into / 'config_sentence_transformers.json', {
        '__version__': {'sentence_transformers': '3.0.0', 'transformers': '4.40.0', 'pytorch': '2.3.0'},
        'prompts': {'query': 'query: ', 'document': 'the passage is '},
        'default_prompt_name': None,
        'similarity_fn_name': None,
    })  # fmt: skip


def dense_overlay(into: Path, path: str, in_features: int, out_features: int, bias: bool, activation: str) -> None:
    write_json(into / path / 'config.json', {
        'in_features': in_features, 'out_features': out_features, 'bias': bias, 'activation_function': activation,
    })  # fmt: skip
    tensors = {'linear.weight': random_tensor(f'{path}/weight', (out_features, in_features))}
    if bias:
        tensors['linear.bias'] = random_tensor(f'{path}/bias', (out_features,))
    save_file(tensors, into / path / 'model.safetensors')


def save_weights_as(folder: Path, into: Path, dtype: torch.dtype) -> None:
    tensors = {name: tensor.to(dtype) for name, tensor in load_file(folder / 'model.safetensors').items()}
    into.mkdir(parents=True, exist_ok=True)
    save_file(tensors, into / 'model.safetensors', metadata={'format': 'pt'})
