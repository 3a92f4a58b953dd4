"""Checks that a golden can fail for a mistake and does not fail for rounding."""
import copy

import numpy as np
import torch
from sentence_transformers.util import quantize_embeddings


def every_tensor_matters(model: torch.nn.Module) -> None:
    """Each tensor is replaced by a neutral one in turn: the hidden states must change. Key biases alone cancel in the softmax."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(5, model.config.vocab_size, (4, 40), generator=generator)

    def states():
        with torch.inference_mode():
            return model(input_ids=tokens).last_hidden_state

    expected = states()
    for name, parameter in model.named_parameters():
        if any(part in name for part in ('key.bias', 'k_lin.bias', 'attn.k.bias')):
            continue
        kept = parameter.data
        parameter.data = torch.ones_like(kept) if 'norm' in name.lower() and name.endswith('weight') else torch.zeros_like(kept)
        change = (states() - expected).abs().max().item()
        parameter.data = kept
        assert change > 0.005, f'{model.config.model_type}: {name} hardly matters ({change:.2g})'


def float32_suffices(model: torch.nn.Module, longest: int) -> None:
    """The same model in float64 agrees far better than the tests ask for, at every length: they measure mistakes and not rounding."""
    generator = torch.Generator().manual_seed(0)
    exact = copy.deepcopy(model).double()
    for length in range(1, longest + 1):
        tokens = torch.randint(5, model.config.vocab_size, (4, length), generator=generator)
        with torch.inference_mode():
            difference = (model(input_ids=tokens).last_hidden_state - exact(input_ids=tokens).last_hidden_state).abs().max().item()
        assert difference < 3e-6, f'{model.config.model_type}: float32 is off by {difference:.2g} at {length} tokens'


def away_from_steps(vectors: np.ndarray, precision: str, given: dict) -> tuple[dict, np.ndarray]:
    """Widens single dimensions of the ranges or the calibration a little until no value lies within 1e-5 of the border between two steps."""
    name, limits = next(iter(given.items()))
    for _ in range(200):
        values = quantize_embeddings(vectors, precision=precision, **{name: limits})
        shifted = [quantize_embeddings(vectors + shift, precision=precision, **{name: limits}) for shift in (-1e-5, 1e-5)]
        at_border = np.any([other != values for other in shifted], axis=(0, 1))
        if not at_border.any():
            return {name: limits}, values
        limits = np.where(at_border, limits * np.float32(1.003), limits).astype(np.float32)
    raise AssertionError(f'some dimension of the {name} keeps a value at a border')
