"""Every case of the training goldens: tasks, targets, and what is measured of one window of them."""
import zlib
from pathlib import Path

import numpy as np
import torch

from golden.training_data import plan
from golden.training_model import Joint, Target, Task

JOINT = (
    Task('intent', 0.5),
    Task('mood', 0.8, labelSmoothing=0.1, classWeights=[0.5, 2.0, 1.0, 1.5]),
    Task('flags', 1.0, classWeights=[3.0, 1.0, 0.4]),
    Task('urgent', 0.7),
    Task('slots', 1.5),
)


def joint() -> list[Task]:
    """Every kind of head and loss at once."""
    return [Task(**vars(task)) for task in JOINT]


def absent_mood() -> dict:
    """Rows of which none is labelled for `mood`, in two micro-batches; the first of them has nothing for `intent` either."""
    return {'order': 'absent', 'batches': [0, 2, 6], 'steps': [0, 2]}


def variants(overlays: Path) -> list[dict]:
    """For bert: a name, how the model is built, and optionally a plan of its own."""
    dense = [overlays / 'bert-dense' / name for name in ('2_Dense', '3_Dense')]
    pooling = [['cls'], ['max'], ['mean_sqrt_len_tokens'], ['weightedmean'], ['lasttoken'], ['cls', 'max']]

    def case(name: str, tasks=(), targets=(), **more) -> dict:
        return {'name': name, 'tasks': list(tasks), 'targets': list(targets), **more}

    return [
        case('cross-entropy', [Task('intent')]),
        case('cross-entropy over tokens', [Task('slots')]),
        case('label smoothing', [Task('intent', labelSmoothing=0.2)]),
        case('class weights', [Task('intent', classWeights=[0.2, 1.0, 3.0, 0.5, 1.5])]),
        case('class weights over tokens', [Task('slots', classWeights=[0.1, 1.0, 2.0, 0.5, 1.5, 1.0, 4.0])]),
        case('class weights and label smoothing', [Task('mood', labelSmoothing=0.3, classWeights=[0.2, 1.0, 3.0, 0.5])]),
        case('bce, several labels', [Task('flags')]),
        case('bce with pos_weight', [Task('flags', classWeights=[5.0, 1.0, 0.2])]),
        case('bce, one logit', [Task('urgent')]),
        case('task weights', [Task('intent', 0.3), Task('slots', 2.5)]),
        case('a task of weight 0', [Task('intent', 0.0), Task('slots')]),
        case('uncertainty', [Task('intent'), Task('flags'), Task('slots')], uncertainty=True),
        case('uncertainty of tasks and a target', [Task('intent')], [Target('cosine')], uncertainty=True),
        case('one micro-batch', joint(), plan=plan(1, 1, 9, 5)),
        case('a window of three micro-batches', joint(), plan=plan(1, 3, 5, 6)),
        case('a task that is absent', [Task('intent', 0.5), Task('mood', 0.8), Task('slots')], plan=absent_mood()),
        case('uncertainty, a task that is absent', [Task('intent'), Task('mood'), Task('slots')], uncertainty=True, plan=absent_mood()),
        case('keep embeddings: 1 − cosine', [], [Target('cosine')]),
        case('mean squared error', [], [Target('mse')]),
        case('mean squared error of unit vectors', [], [Target('mse', steps=['normalize'])]),
        case('targets with heads', [Task('intent'), Task('slots', 0.5)], [Target('cosine', 0.3), Target('mse', 2.0)]),
        *(case(f'pooling {" + ".join(modes)}', [Task('intent', pooling=modes)]) for modes in pooling),
        *(case(f'hidden layers, {name}', [Task('mood', hidden=[10, 6], activation=name)]) for name in ('relu', 'gelu', 'tanh')),
        case('two heads of tokens, one with a hidden layer', [Task('slots', hidden=[9], activation='gelu'), Task('intent')]),
        case('a head behind Dense modules', [Task('intent', steps=[0, 1])], dense=dense),
        case('a head behind a Dense module and scaling', [Task('intent', steps=[0, 'normalize'])], dense=dense),
    ]  # fmt: skip


def resolve_plan(model: Joint, given: dict | None) -> dict:
    if given is None:
        return plan(1, 2, 6, 4)
    if given['order'] != 'absent':
        return given
    intent, mood, slots = (np.array(model.data['labels'][name]) for name in ('intent', 'mood', 'slots'))
    rows = np.flatnonzero(mood == -100)
    first = [i for i in rows if intent[i] == -100][:2]
    others = [i for i in rows if intent[i] != -100][:4]
    assert len(first) == 2 and len(others) == 4 and slots.max() >= 0
    return {**given, 'order': [int(i) for i in [*first, *others]]}


def windows(given: dict) -> list[list[list[int]]]:
    """By step, by micro-batch: rows."""
    order, batches, steps = given['order'], given['batches'], given['steps']
    return [[order[batches[j] : batches[j + 1]] for j in range(a, b)] for a, b in zip(steps, steps[1:])]


def probe(name: str, gradient: torch.Tensor | None) -> list[float]:
    """Two numbers that a wrong gradient hardly keeps: its norm, and its product with a vector made of its name and the places."""
    if gradient is None:
        return [0.0, 0.0]
    flat = gradient.detach().double().numpy().ravel()
    return [float(np.linalg.norm(flat)), float(flat @ np.sin(zlib.crc32(name.encode()) % 1000 + np.arange(1, flat.size + 1)))]


def measure(model: Joint, micro_batches: list[list[int]]) -> dict:
    """One window without an update."""
    model.zero_grad(set_to_none=True)
    total, losses, items, correct = model.window(micro_batches)
    total.backward()
    parameters = model.parameters_by_name()
    return {
        'loss': float(total.detach()),
        'losses': losses,
        'items': items,
        'correct': correct,
        'gradients': {name: parameter.grad for name, parameter in parameters.items()},
    }
