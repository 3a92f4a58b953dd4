"""Writes test/golden/metrics.json (scikit-learn, NumPy, SciPy) and test/golden/metrics-entities.json (seqeval).

usage: make-metrics-golden.py      needs scikit-learn, scipy and seqeval 1.2.2
"""
import itertools
import json
import platform
import random
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from seqeval import scheme as schemes
from seqeval.metrics import v1
from seqeval.metrics.sequence_labeling import classification_report as entity_text
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix
from sklearn.metrics import precision_recall_fscore_support as sentence_scores
from sklearn.preprocessing import MultiLabelBinarizer

warnings.filterwarnings('ignore')
GOLDEN = Path(__file__).resolve().parent.parent / 'test/golden'
PREFIXES = {'IOB1': 'IB', 'IOB2': 'IB', 'IOE1': 'IE', 'IOE2': 'IE', 'IOBES': 'IBES', 'BILOU': 'BILU'}
AVERAGES = ('micro', 'macro', 'weighted')
# Of the printed reports, in turn. With one digit, halves occur, which Python rounds to the even digit.
DIGITS = itertools.cycle((2, 1, 5))


def write(name: str, packages: tuple, **groups: list) -> None:
    versions = {'python': platform.python_version(), **{package: version(package) for package in packages}}
    parts = ['"script": "scripts/make-metrics-golden.py"', f'"versions": {json.dumps(versions)}']
    for group, cases in groups.items():
        parts.append(f'"{group}": [\n' + ',\n'.join(json.dumps(case) for case in cases) + '\n]')
    (GOLDEN / name).write_text('{\n' + ',\n'.join(parts) + '\n}\n')


def printed(report, gold, predicted, **options) -> dict:
    """The report as Python prints it."""
    digits = next(DIGITS)
    return {'digits': digits, 'text': report(gold, predicted, digits=digits, **options)}


def rows(names, scores) -> list:
    """[label, precision, recall, f1, support] of each label."""
    p, r, f, s = (np.asarray(column).tolist() for column in scores)
    return [[name, *row] for name, *row in zip(names, p, r, f, s)]


def plain(values) -> list:
    """Without the support, which scikit-learn leaves out of averages. NaN becomes null."""
    return [None if np.isnan(value) else float(value) for value in values[:3]]


# Entities


def noisy_pair(rng: random.Random, alphabet: list, outside: float) -> tuple:
    """Tags at random, malformed more often than not, and a prediction that agrees with most of them."""
    def tag() -> str:
        return 'O' if rng.random() < outside else rng.choice(alphabet)
    gold = [tag() for _ in range(rng.randint(1, 14))]
    # Runs of one label make entities of several words, which tags drawn one by one hardly ever are.
    for i in range(1, len(gold)):
        if rng.random() < 0.4 and '-' in gold[i] and '-' in gold[i - 1]:
            gold[i] = gold[i][0] + gold[i - 1][1:]
    return gold, [tag() if rng.random() < 0.2 else t for t in gold]


def alphabet_of(prefixes: str, labels: list) -> list:
    return [f'{prefix}-{label}' for label in labels for prefix in prefixes]


def strict_entities(tags: list, scheme: type) -> list:
    return [[e.tag, e.start, e.end] for e in schemes.Tokens(tags, scheme).entities]


def sequence_cases(rng: random.Random):
    for name, prefixes in PREFIXES.items():
        for _ in range(40):
            tags, _ = noisy_pair(rng, alphabet_of(prefixes, ['x', 'y']), 0.25)
            strict = strict_entities(tags, getattr(schemes, name))
            yield {'scheme': name, 'tags': ' '.join(tags), 'strict': strict, 'lenient': lenient(tags)}
    odd = alphabet_of('BIESLU', ['x', 'x-y']) + ['B', 'I', 'E', 'S', 'L', 'U', 'Bx', 'I-x-', 'B--x', 'city', '.', 'O-x', '😀-x', '😀x', 'x-y']
    for _ in range(80):
        tags, _ = noisy_pair(rng, odd, 0.2)
        yield {'tags': ' '.join(tags), 'lenient': lenient(tags)}
    dashed = ['B', 'I', 'B--x', 'I-x-', 'I-x', 'Ix', 'B-x-y', 'O-x']
    for tags in (['B-x', 'I-x-'], ['B--x', 'I-x'], *(noisy_pair(rng, dashed, 0.2)[0] for _ in range(30))):
        yield {'scheme': 'IOB2', 'tags': ' '.join(tags), 'strict': strict_entities(tags, schemes.IOB2), 'lenient': lenient(tags)}


def lenient(tags: list) -> list:
    return [[label, start, end + 1] for label, start, end in get_entities(tags)]


def entity_report(gold: list, predicted: list, scheme: str, zero_division: int) -> dict:
    if scheme:
        kind = getattr(schemes, scheme)
        names = v1.unique_labels(gold, predicted, kind)
        score = lambda average: v1.precision_recall_fscore_support(gold, predicted, average=average, scheme=kind, zero_division=zero_division)
    else:
        names = sorted({label for label, _, _ in get_entities(gold) + get_entities(predicted)})
        score = lambda average: precision_recall_fscore_support(gold, predicted, average=average, zero_division=zero_division)
    return {
        'gold': [' '.join(tags) for tags in gold],
        'predicted': [' '.join(tags) for tags in predicted],
        **({'scheme': scheme} if scheme else {}),
        'zeroDivision': zero_division,
        'types': rows(names, score(None)),
        **{average: [float(x) for x in score(average)] for average in AVERAGES},
        **printed(entity_text, gold, predicted, zero_division=zero_division, **({'mode': 'strict', 'scheme': kind} if scheme else {})),
    }


def report_cases(rng: random.Random):
    for name, prefixes in PREFIXES.items():
        for labels, sentences, zero_division in ((2, 3, 0), (2, 3, 1), (5, 8, 0), (12, 12, 1)):
            alphabet = alphabet_of(prefixes, [f'l{i}' for i in range(labels)])
            gold, predicted = map(list, zip(*(noisy_pair(rng, alphabet, 0.3) for _ in range(sentences))))
            yield entity_report(gold, predicted, name, zero_division)
            yield entity_report(gold, predicted, None, zero_division)
    bare = ['B', 'I', 'L', 'U', 'B-x', 'L-x', '.', 'E']
    gold, predicted = map(list, zip(*(noisy_pair(rng, bare, 0.4) for _ in range(12))))
    yield entity_report(gold, predicted, None, 0)
    # More types than NumPy adds up in one block.
    alphabet = [f'B-{i}' for i in range(150)]
    gold, predicted = map(list, zip(*(noisy_pair(rng, alphabet, 0) for _ in range(120))))
    yield entity_report(gold, predicted, None, 0)
    for scheme in (None, 'IOB2'):
        for zero_division in (0, 1):
            yield entity_report([['O', 'O']], [['B-x', 'O']], scheme, zero_division)
            yield entity_report([['O', 'B-x']], [['O', 'O']], scheme, zero_division)


# Sentences


def scores_of(gold, predicted, names, **options) -> dict:
    return {
        'scores': [[label, *plain(row), row[3]] for label, *row in rows(names, sentence_scores(gold, predicted, average=None, **options))],
        **{average: plain(sentence_scores(gold, predicted, average=average, **options)) for average in AVERAGES},
    }


def sentence_cases(rng: random.Random):
    for name, labels, items, right, zero_division, chosen in (
        ('three labels', 3, 40, 0.7, 0, None),
        ('few items of many labels', 20, 30, 0.5, 0, None),
        ('zero division 1', 20, 30, 0.5, 1, None),
        ('zero division NaN', 20, 30, 0.5, float('nan'), None),
        ('some labels, one of them absent', 9, 60, 0.6, 0, ['l7', 'absent', 'l2']),
        ('labels without support', 4, 30, 0.6, 0, ['absent', 'missing']),
        ('labels without support, NaN', 4, 30, 0.6, float('nan'), ['absent', 'missing']),
        ('all wrong, NaN', 6, 8, 0, float('nan'), None),
        ('150 labels', 150, 400, 0.8, 0, None),
        ('few items, whose shares are halves and quarters', 3, 8, 0.5, 0, None),
        ('all labels and one that is absent', 3, 20, 0.7, 0, ['l2', 'l0', 'absent', 'l1']),
    ):
        names = [f'l{i}' for i in range(labels)]
        gold = [rng.choice(names) for _ in range(items)]
        predicted = [g if rng.random() < right else rng.choice([n for n in names if n != g]) for g in gold]
        listed = chosen or sorted(set(gold) | set(predicted))
        absent = chosen is not None and not set(chosen) & set(gold)
        yield {
            'name': name, 'gold': ' '.join(gold), 'predicted': ' '.join(predicted), 'labels': chosen,
            'zeroDivision': None if np.isnan(zero_division) else zero_division,
            'accuracy': accuracy_score(gold, predicted),
            'confusion': confusion_matrix(gold, predicted, labels=chosen).tolist() if labels < 10 and not absent else None,
            **scores_of(gold, predicted, listed, labels=listed, zero_division=zero_division),
            **printed(classification_report, gold, predicted, labels=chosen, zero_division=zero_division),
        }


def multi_label_cases(rng: random.Random):
    for name, labels, items, zero_division in (('four labels', 4, 30, 0), ('many labels', 40, 25, 0), ('zero division 1', 40, 25, 1)):
        names = sorted(f'l{i}' for i in range(labels))
        draw = lambda: rng.sample(names, rng.choice([0, 0, 1, 1, 2, 3]))
        gold = [draw() for _ in range(items)]
        predicted = [list(reversed(g)) if rng.random() < 0.6 else draw() for g in gold]
        binarizer = MultiLabelBinarizer(classes=names)
        y, z = binarizer.fit_transform(gold), binarizer.transform(predicted)
        yield {
            'name': name, 'gold': gold, 'predicted': predicted, 'labels': names, 'zeroDivision': zero_division,
            'exactMatch': accuracy_score(y, z), **scores_of(y, z, names, zero_division=zero_division),
            **printed(classification_report, y, z, target_names=names, zero_division=zero_division),
        }


def calibration_cases(rng: np.random.Generator):
    for bins in (15, 10, 1):
        confidences = rng.random(60).round(2)
        confidences[:6] = [0, 1, 0.2, 1 / 15, 2 / 15, 0.6]
        correct = rng.random(60) < confidences ** 2
        edges = np.array([i / bins for i in range(bins + 1)])
        place = np.clip(np.digitize(confidences, edges, right=True) - 1, 0, None)
        gaps = [(abs(correct[place == b].mean() - confidences[place == b].mean()), (place == b).sum()) for b in range(bins) if (place == b).any()]
        yield {
            'bins': bins, 'confidences': confidences.tolist(), 'correct': correct.tolist(),
            'counts': np.bincount(place, minlength=bins).tolist(),
            'expectedError': sum(gap * n for gap, n in gaps) / 60, 'maximumError': max(gap for gap, _ in gaps),
        }


def temperature_cases(rng: np.random.Generator):
    for name, items, labels, scale in (('too sure', 50, 4, 8.0), ('too modest', 50, 4, 0.2), ('two labels', 40, 2, 3.0), ('one logit', 40, 1, 4.0), ('far from zero', 30, 3, 5.0)):
        gold = rng.integers(0, max(labels, 2), items)
        # Right by about one standard deviation, whatever the scale: the temperature found is near the scale.
        logits = rng.standard_normal((items, labels)) * scale
        if labels == 1:
            logits[:, 0] += (2 * gold - 1) * scale
        else:
            logits[np.arange(items), gold] += scale
        if name == 'far from zero':
            logits += 1e4
        logits = logits.round(3)
        full = np.hstack([np.zeros((items, 1)), logits]) if labels == 1 else logits
        correct = full[np.arange(items), gold]
        loss = lambda b: float(-log_softmax(b * full, axis=1)[np.arange(items), gold].mean())
        slope = lambda b: float(((softmax(b * full, axis=1) * (full - correct[:, None])).sum(axis=1)).mean())
        b = brentq(slope, 0.01, 100, xtol=1e-15, rtol=1e-14)
        yield {'name': name, 'logits': logits.tolist(), 'gold': gold.tolist(), 'temperature': 1 / b, 'lossBefore': loss(1), 'loss': loss(b)}


rng = random.Random(4)
write('metrics-entities.json', ('seqeval', 'numpy'), sequences=list(sequence_cases(rng)), reports=list(report_cases(rng)))
numbers = np.random.default_rng(4)
write(
    'metrics.json', ('scikit-learn', 'scipy', 'numpy'),
    sentences=list(sentence_cases(rng)), multiLabel=list(multi_label_cases(rng)),
    calibration=list(calibration_cases(numbers)), temperature=list(temperature_cases(numbers)),
)
