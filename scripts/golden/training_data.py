"""The corpus and the heads of the training goldens: ragged rows over a small part of the vocabulary, labels of every kind, some of them missing."""
import numpy as np
import torch

from golden.families import random_tensor

ROWS = 48
POOL = 48
NONE = -100

# name → type, labels, sizes of hidden layers, activation, loss
HEADS = {
    'intent': ('classification', 5, [], 'relu', 'cross-entropy'),
    'mood': ('classification', 4, [12], 'relu', 'cross-entropy'),
    'flags': ('classification', 3, [], 'relu', 'bce'),
    'urgent': ('classification', 1, [], 'relu', 'bce'),
    'slots': ('token-classification', 7, [], 'relu', 'cross-entropy'),
}  # fmt: skip


def corpus(family: str, vocabulary: int) -> dict:
    """ids, offsets, and labels by head in the layout of the native surface. Every head's labels fall on other rows."""
    random = np.random.RandomState(sum(family.encode()))
    # The first ids are special tokens: padding has a position and a gradient of its own in some families.
    pool = random.permutation(np.arange(5, vocabulary))[:POOL]
    lengths = random.randint(3, 19, ROWS)
    ids = np.concatenate([[pool[0], *random.choice(pool[2:], n - 2), pool[1]] for n in lengths])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return {'ids': ids.tolist(), 'offsets': offsets.tolist(), 'labels': {name: labels(name, random, lengths).tolist() for name in HEADS}}


def labels(name: str, random: np.random.RandomState, lengths: np.ndarray) -> np.ndarray:
    kind, count, _, _, loss = HEADS[name]
    if kind == 'token-classification':
        rows = []
        for n in lengths:
            row = random.randint(0, count, n)
            row[random.random_sample(n) < 0.25] = NONE
            row[[0, -1]] = NONE
            rows.append(row)
        return np.concatenate(rows)
    values = random.randint(0, 2, (ROWS, count)) if loss == 'bce' else random.randint(0, count, (ROWS, 1))
    values[random.random_sample(ROWS) < 0.25] = NONE
    return values.reshape(-1)


def head_layers(family: str, name: str, inputs: int, sizes: list[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Given values, so that both sides start equal."""
    layers = []
    for i, size in enumerate(sizes):
        shapes = {'weight': (size, inputs), 'bias': (size,)}
        layers.append(tuple(random_tensor(f'training/{family}/{name}.{i}.{part}', shape) for part, shape in shapes.items()))
        inputs = size
    return layers


def target_vectors(dimension: int) -> np.ndarray:
    """Vectors to regress on; every seventh row has none."""
    vectors = random_tensor('training/targets', (ROWS, dimension)).numpy()
    vectors[3::7] = np.nan
    return vectors


def plan(steps: int, micro_batches: int, rows: int, seed: int) -> dict:
    """Steps of equal windows over shuffled rows, again and again, as the native surface takes them; micro-batches of a window differ in size."""
    random = np.random.RandomState(seed)
    sizes = [rows + (i % 3 if micro_batches > 1 else 0) for i in range(steps * micro_batches)]
    order = np.concatenate([random.permutation(ROWS) for _ in range(1 + sum(sizes) // ROWS)])[: sum(sizes)]
    return {
        'order': order.tolist(),
        'batches': np.concatenate([[0], np.cumsum(sizes)]).tolist(),
        'steps': (np.arange(steps + 1) * micro_batches).tolist(),
    }
