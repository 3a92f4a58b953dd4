"""Writes test/golden/plateau.json (PyTorch's ReduceLROnPlateau) and test/golden/subwords.json (labels of all sub-words, as transformers'
examples for token classification assign them with label_all_tokens, and PyTorch's loss over them).

usage: make-training-options-golden.py      needs torch and transformers
"""
import json
import random
from importlib.metadata import version
from pathlib import Path

import torch
from transformers import AutoTokenizer

TESTS = Path(__file__).resolve().parent.parent / 'test'


def write(name: str, **parts) -> None:
    versions = {package: version(package) for package in ('torch', 'transformers')}
    head = {'script': 'scripts/make-training-options-golden.py', 'versions': versions}
    (TESTS / 'golden' / name).write_text(json.dumps({**head, **parts}, indent=1) + '\n')


def plateau(scores: list, **options) -> dict:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode='max', eps=0, **options)
    rates = []
    for score in scores:
        scheduler.step(score)
        rates.append(optimizer.param_groups[0]['lr'])
    return {'options': options, 'scores': scores, 'rates': rates}


def plateau_cases(rng: random.Random):
    yield plateau([0.1 * i for i in range(8)] + [0.5] * 30)
    yield plateau([0.5, 0.50004, 0.5001, 0.6, 0.6, 0.6], factor=0.5, patience=0)
    for factor, patience, threshold, cooldown in ((0.5, 1, 1e-4, 0), (0.3, 2, 0.05, 2), (0.9, 0, 0, 3), (0.1, 3, 0.01, 1)):
        scores = [round(min(1, 0.02 * i) + rng.gauss(0, 0.1), 3) for i in range(60)]
        yield plateau(scores, factor=factor, patience=patience, threshold=threshold, cooldown=cooldown)


def subwords(labels: list, sentences: list) -> dict:
    tokenizer = AutoTokenizer.from_pretrained(TESTS / 'fixtures/models/bert')
    ids = {label: i for i, label in enumerate(labels)}
    inner = {label: label.replace('B-', 'I-', 1) for label in labels if label.startswith('B-') and label.replace('B-', 'I-', 1) in ids}
    rows = []
    for words, tags in sentences:
        word_of_token = tokenizer(words, is_split_into_words=True).word_ids()
        row, last = [], None
        for word in word_of_token:
            if word is None:
                row.append(-100)
            elif word != last:
                row.append(ids[tags[word]])
            else:
                row.append(ids[inner.get(tags[word], tags[word])])
            last = word
        rows.append(row)
    flat = [label for row in rows for label in row]
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(len(flat), len(labels), generator=generator).mul(100).round().div(100)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(flat), ignore_index=-100)
    return {'labels': labels, 'sentences': sentences, 'rows': rows, 'logits': logits.tolist(), 'loss': loss.item()}


write('plateau.json', cases=list(plateau_cases(random.Random(3))))
SENTENCES = [
    [['antidisestablishment', 'flows', 'xylophones'], ['B-x', 'I-x', 'O']],
    [['the', 'unbelievable', 'river', 'hippopotamus'], ['O', 'B-y', 'B-x', 'B-x']],
]
write('subwords.json', cases=[
    # Without I-y, the tokens of a word keep B-y.
    subwords(['O', 'B-x', 'I-x', 'B-y'], SENTENCES),
])
