"""Joint training in plain PyTorch: what the native trainer has to equal."""
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from sentence_transformers.sentence_transformer.modules import Pooling
from torch.nn import functional
from transformers import AutoModel

from golden.training_data import HEADS, NONE, corpus, head_layers, target_vectors

ACTIVATIONS = {'relu': functional.relu, 'gelu': functional.gelu, 'tanh': torch.tanh}


@dataclass
class Task:
    """As TaskSource of the native surface; the last fields say how the head is built."""

    head: str
    weight: float = 1.0
    labelSmoothing: float = 0.0
    classWeights: list[float] | None = None
    pooling: list[str] = field(default_factory=lambda: ['mean'])
    steps: list = field(default_factory=list)
    hidden: list[int] | None = None
    activation: str | None = None


@dataclass
class Target:
    """As TargetSource of the native surface."""

    loss: str
    weight: float = 1.0
    pooling: list[str] = field(default_factory=lambda: ['mean'])
    steps: list = field(default_factory=list)


class Dense(torch.nn.Module):
    """A Dense module of a sentence-transformers folder."""

    def __init__(self, folder: Path):
        super().__init__()
        config = json.loads((folder / 'config.json').read_text())
        self.linear = torch.nn.Linear(config['in_features'], config['out_features'], config['bias'])
        self.load_state_dict(load_file(folder / 'model.safetensors'))
        self.activation = torch.tanh if config['activation_function'].endswith('Tanh') else lambda x: x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activation(self.linear(x))


class Joint(torch.nn.Module):
    """Encoder, optional Dense modules and heads; parameters are named as on the native surface."""

    def __init__(self, folder: Path, tasks: list[Task], targets: list[Target] = (), uncertainty: bool = False, dense: list[Path] = (), dtype=torch.float32, rates: dict = {}):
        super().__init__()
        self.family, self.tasks, self.targets = folder.name, tasks, targets
        extra = {} if folder.name == 'distilbert' else {'add_pooling_layer': False}
        encoder = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation='eager', **extra, **rates)
        self.encoder = encoder.eval()  # no dropout unless asked for: the heads have none
        hidden = encoder.config.hidden_size
        self.dense = torch.nn.ModuleList(Dense(path) for path in dense)
        widths = [module.linear.out_features for module in self.dense]
        self.heads = torch.nn.ModuleDict()
        for task in tasks:
            kind, labels, layers, activation, _ = HEADS[task.head]
            task.hidden = layers if task.hidden is None else task.hidden
            task.activation = task.activation or activation
            inputs = hidden * (len(task.pooling) if kind == 'classification' else 1)
            for step in task.steps:
                inputs = inputs if step == 'normalize' else widths[step]
            self.heads[task.head] = torch.nn.ModuleList(linear(*values) for values in head_layers(self.family, task.head, inputs, [*task.hidden, labels]))
        names = [*(task.head for task in tasks), *(f'target:{i}' for i in range(len(targets)))]
        self.uncertainty = torch.nn.ParameterDict({name: torch.zeros(()) for name in names} if uncertainty else {})
        self.data = corpus(self.family, encoder.config.vocab_size)
        self.vectors = target_vectors(hidden)
        self.to(dtype)

    def parameters_by_name(self) -> dict[str, torch.nn.Parameter]:
        return {native_name(name): parameter for name, parameter in self.named_parameters()}

    def states(self, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        ids, offsets = self.data['ids'], self.data['offsets']
        longest = max(offsets[i + 1] - offsets[i] for i in rows)
        padded = torch.full((len(rows), longest), self.encoder.config.pad_token_id)
        mask = torch.zeros_like(padded)
        for j, i in enumerate(rows):
            row = ids[offsets[i] : offsets[i + 1]]
            padded[j, : len(row)], mask[j, : len(row)] = torch.tensor(row), 1
        return self.encoder(input_ids=padded, attention_mask=mask).last_hidden_state, mask

    def vector(self, states: torch.Tensor, mask: torch.Tensor, pooling: list[str], steps: list) -> torch.Tensor:
        pooled = [Pooling(states.shape[-1], pooling_mode=mode)({'token_embeddings': states, 'attention_mask': mask})['sentence_embedding'] for mode in pooling]
        vector = torch.cat(pooled, -1)
        for step in steps:
            vector = functional.normalize(vector, dim=-1) if step == 'normalize' else self.dense[step](vector)
        return vector

    def logits(self, task: Task, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """[rows, labels], or [tokens, labels] of the real tokens."""
        token_head = HEADS[task.head][0] == 'token-classification'
        x = states[mask.bool()] if token_head else self.vector(states, mask, task.pooling, task.steps)
        for i, layer in enumerate(self.heads[task.head]):
            x = layer(x if i == 0 else ACTIVATIONS[task.activation](x))
        return x

    def labels(self, task: Task, rows: list[int]) -> torch.Tensor:
        kind, count, _, _, loss = HEADS[task.head]
        given = self.data['labels'][task.head]
        if kind == 'token-classification':
            offsets = self.data['offsets']
            return torch.tensor([x for i in rows for x in given[offsets[i] : offsets[i + 1]]])
        return torch.tensor(given).view(-1, count)[rows] if loss == 'bce' else torch.tensor(given)[rows]

    def window(self, micro_batches: list[list[int]]) -> tuple[torch.Tensor, list[float], list[int], list[int]]:
        """Total loss of one accumulation window; then by task and target: mean loss, labelled items; by task: right ones."""
        states = [self.states(rows) for rows in micro_batches]
        means, items, correct = [], [], []
        for task in self.tasks:
            logits = at_least_float32(torch.cat([self.logits(task, *state) for state in states]))
            truth = torch.cat([self.labels(task, rows) for rows in micro_batches])
            mean, known, right = task_loss(task, logits, truth)
            means.append(mean), items.append(known), correct.append(right)
        for target in self.targets:
            vectors = at_least_float32(torch.cat([self.vector(*state, target.pooling, target.steps) for state in states]))
            wanted = torch.from_numpy(np.concatenate([self.vectors[rows] for rows in micro_batches])).to(vectors.dtype)
            known = ~wanted[:, 0].isnan()
            vectors, wanted = vectors[known], wanted[known]
            means.append(functional.mse_loss(vectors, wanted) if target.loss == 'mse' else (1 - functional.cosine_similarity(vectors, wanted)).mean())
            items.append(int(known.sum()))
        total = torch.zeros((), dtype=means[0].dtype)
        for name, part, mean, known in zip([*(t.head for t in self.tasks), *(f'target:{i}' for i in range(len(self.targets)))], [*self.tasks, *self.targets], means, items):
            if known == 0:
                continue
            if self.uncertainty:
                assert part.weight == 1
                total = total + 0.5 * torch.exp(-self.uncertainty[name]) * mean + 0.5 * self.uncertainty[name]
            else:
                total = total + part.weight * mean
        return total, [float(x.detach()) for x in means], items, correct


def task_loss(task: Task, logits: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, int, int]:
    weights = None if task.classWeights is None else torch.tensor(task.classWeights, dtype=logits.dtype)
    known = truth != NONE
    if not known.any():
        return logits.sum() * 0, 0, 0
    if HEADS[task.head][4] == 'bce':
        losses = functional.binary_cross_entropy_with_logits(logits, truth.clamp(min=0).to(logits.dtype), pos_weight=weights, reduction='none')
        return losses[known].mean(), int(known.sum()), int(((logits > 0) == (truth == 1))[known].sum())
    mean = functional.cross_entropy(logits, truth, weights, ignore_index=NONE, label_smoothing=task.labelSmoothing)
    return mean, int(known.sum()), int((logits.argmax(-1) == truth)[known].sum())


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def linear(weight: torch.Tensor, bias: torch.Tensor) -> torch.nn.Linear:
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({'weight': weight, 'bias': bias})
    return layer


def native_name(name: str) -> str:
    if name.startswith('encoder.'):
        return name.removeprefix('encoder.')
    return name.replace('.linear.', '.') if name.startswith('dense.') else name
