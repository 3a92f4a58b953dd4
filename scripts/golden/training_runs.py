"""Optimizer runs: layer-wise groups, clipping, accumulation and a schedule, as plain PyTorch does them."""
import contextlib
from dataclasses import dataclass

import torch

from golden.training_cases import windows
from golden.training_model import Joint


@dataclass
class Recipe:
    """Rates are of the top layer and of the heads; the other fields are named as on the native surface."""

    optimizer: str
    learningRate: float
    headLearningRate: float
    layerDecay: float
    weightDecay: float
    maxGradNorm: float
    warmup: int
    total: int
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8


def groups(model: Joint, recipe: Recipe) -> list[dict]:
    """names, learningRate, weightDecay, clip: one group of each part for weights with decay and one for those of one dimension."""
    layers = model.encoder.config.num_hidden_layers

    def rate(name: str) -> float:
        if name.startswith('heads.'):
            return recipe.headLearningRate
        if name.startswith('embeddings.'):
            return recipe.learningRate * recipe.layerDecay**layers
        # MPNet's shared bias goes with the lowest layer.
        layer = 0 if 'relative_attention_bias' in name else int(name.split('.layer.')[1].split('.')[0])
        return recipe.learningRate * recipe.layerDecay ** (layers - 1 - layer)

    made: dict[tuple, dict] = {}
    for name, parameter in model.parameters_by_name().items():
        uncertain = name.startswith('uncertainty.')
        decay = recipe.weightDecay if parameter.ndim > 1 else 0.0
        # s of a task moves as fast as the heads, without decay or clipping.
        key = (recipe.headLearningRate if uncertain else rate(name), decay, not uncertain)
        made.setdefault(key, {'names': [], 'learningRate': key[0], 'weightDecay': key[1], 'clip': key[2]})['names'].append(name)
    return list(made.values())


def train(model: Joint, recipe: Recipe, plan: dict, autocast: bool = False) -> dict:
    """Runs every step of the plan. Losses, gradient norms and multipliers by step; the model is changed."""
    parameters = model.parameters_by_name()
    grouped = groups(model, recipe)
    kind = {'adamw': torch.optim.AdamW, 'adam': torch.optim.Adam}[recipe.optimizer]
    optimizer = kind(
        [{'params': [parameters[name] for name in g['names']], 'lr': g['learningRate'], 'weight_decay': g['weightDecay']} for g in grouped],
        betas=(recipe.beta1, recipe.beta2), eps=recipe.eps,
    )  # fmt: skip
    clipped = [parameters[name] for g in grouped if g['clip'] for name in g['names']]

    def multiplier(t: int) -> float:
        return (t + 1) / recipe.warmup if t < recipe.warmup else max(0, (recipe.total - t) / (recipe.total - recipe.warmup))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, multiplier)
    result = {'groups': grouped, 'multipliers': [], 'loss': [], 'losses': [], 'items': [], 'gradientNorm': []}
    for micro_batches in windows(plan):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast('cpu', dtype=torch.bfloat16) if autocast else contextlib.nullcontext():
            total, losses, items, _ = model.window(micro_batches)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(clipped, recipe.maxGradNorm) if recipe.maxGradNorm else torch.nn.utils.get_total_norm([p.grad for p in clipped])
        result['multipliers'].append(multiplier(len(result['loss'])))
        optimizer.step()
        schedule.step()
        result['loss'].append(float(total.detach()))
        result['losses'].append(losses)
        result['items'].append(items)
        result['gradientNorm'].append(float(norm))
    return result
