"""Joint training of intents and slots in plain PyTorch over a transformers encoder: the speed and the quality that sentorch is compared with.

usage: train.py MODEL_DIR DATA_ROOT made|snips|hwu64|wnut17|clinc150|mixed [--epochs 3] [--max-steps N] [--seed 0]
                [--dtype float32|bfloat16] [--group-by-length] [--speed STEPS | --curve FILE.json]
Prints a line that begins with `result`.
--group-by-length: rows of similar length share a batch, so that little padding is computed.
--speed: STEPS steps; prints one line of JSON with the speed after the first 20 and the most memory, and evaluates nothing.
--curve: 100 steps without dropout; the rows of each step and its loss go to the file, the heads as they were before the first step to
FILE.safetensors in the same folder.
Recipe: mean pooling; linear heads, dropout 0.1; cross-entropy, ½ each where there are two heads, on the first sub-word of each word; AdamW
(0.9, 0.999, 1e-8; PyTorch's fused one, its fastest), weight decay 0.01 except on one-dimensional parameters; encoder 1e-4 with layer-wise decay
0.9, heads 1e-3; 10 % linear warm-up, linear decay; clip 1.0; batch 32; at most 64 tokens.
"""
import argparse
import json
import math
import os
import random
import resource
import time
import warnings
from pathlib import Path
from typing import NamedTuple

warnings.filterwarnings('ignore')
os.environ.update(HF_HUB_OFFLINE='1', TRANSFORMERS_VERBOSITY='error', TQDM_DISABLE='1')
import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from train_sets import SETS, tags_of_spans
from transformers import AutoModel, AutoTokenizer

BATCH, LIMIT, CURVE_STEPS, WARM_STEPS, NONE = 32, 64, 100, 20, -100


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model')
    parser.add_argument('data', type=Path)
    parser.add_argument('set', choices=SETS)
    parser.add_argument('--epochs', type=int, default=3)
    parser.add_argument('--max-steps', type=int)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--dtype', default='float32', choices=('float32', 'bfloat16'))
    parser.add_argument('--group-by-length', action='store_true')
    parser.add_argument('--speed', type=int, metavar='STEPS')
    parser.add_argument('--curve', type=Path)
    return parser.parse_args()


class Data:
    """Examples tokenised once. A row: ids, label of each token, label of the sentence, word of each token, the example with its tags."""

    def __init__(self, splits: dict[str, list[dict]], tokenizer):
        self.tokenizer = tokenizer
        for examples in splits.values():
            for example in examples:
                self.give_tags(example)
        train = splits['train']
        self.intents = sorted({x['intent'] for x in train if 'intent' in x})
        self.tags = sorted({tag for x in train for tag in x.get('tags', ())})
        self.rows = {split: [self.row(example) for example in examples] for split, examples in splits.items()}

    def give_tags(self, example: dict) -> None:
        if 'spans' not in example:
            return
        coded = self.tokenizer(example['text'], add_special_tokens=False)
        count = 1 + max((w for w in coded.word_ids() if w is not None), default=-1)
        example['tags'] = tags_of_spans(example['spans'], [tuple(coded.word_to_chars(w)) for w in range(count)])

    def row(self, example: dict) -> dict:
        coded = self.tokenizer(example.get('words', example.get('text')), is_split_into_words='words' in example, truncation=True, max_length=LIMIT)
        words, labels, previous = coded.word_ids(), [], None
        for word in words:
            first = 'tags' in example and word is not None and word != previous
            labels.append(self.tag_id(example['tags'][word]) if first else NONE)
            previous = word
        known = {intent: i for i, intent in enumerate(self.intents)}
        return {'ids': coded['input_ids'], 'labels': labels, 'intent': known.get(example.get('intent'), NONE), 'words': words, 'example': example}

    def tag_id(self, tag: str) -> int:
        return self.tags.index(tag if tag in self.tags else 'O')


class Joint(torch.nn.Module):
    def __init__(self, folder: str, data: Data, dropout: bool):
        super().__init__()
        none = {} if dropout else {'hidden_dropout_prob': 0.0, 'attention_probs_dropout_prob': 0.0}
        self.encoder = AutoModel.from_pretrained(folder, **none)
        hidden = self.encoder.config.hidden_size
        self.dropout = torch.nn.Dropout(0.1 if dropout else 0.0)
        self.heads = torch.nn.ModuleDict()
        if data.intents:
            self.heads['intent'] = torch.nn.Linear(hidden, len(data.intents))
        if data.tags:
            self.heads['slots'] = torch.nn.Linear(hidden, len(data.tags))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        inputs = {'intent': (states * weights).sum(1) / weights.sum(1), 'slots': states}
        return {name: head(self.dropout(inputs[name])) for name, head in self.heads.items()}


def collate(rows: list[dict]) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    longest = max(len(row['ids']) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask, labels = ids.clone(), torch.full((len(rows), longest), NONE)
    for i, row in enumerate(rows):
        n = len(row['ids'])
        ids[i, :n], mask[i, :n], labels[i, :n] = torch.tensor(row['ids']), 1, torch.tensor(row['labels'])
    return ids, mask, {'intent': torch.tensor([row['intent'] for row in rows]), 'slots': labels}


def loss_of(logits: dict[str, torch.Tensor], labels: dict[str, torch.Tensor]) -> torch.Tensor:
    """A head without a label in the batch adds nothing; the others keep their weight."""
    parts = [cross_entropy(x.float().flatten(0, -2), labels[name].flatten()) for name, x in logits.items() if (labels[name] != NONE).any()]
    return sum(parts) / len(logits)


def optimizer_of(model: Joint) -> torch.optim.Optimizer:
    layers, groups = model.encoder.config.num_hidden_layers, []

    def group(parameters, rate: float) -> None:
        parameters = list(parameters)
        groups.append({'params': [p for p in parameters if p.ndim > 1], 'lr': rate, 'weight_decay': 0.01})
        groups.append({'params': [p for p in parameters if p.ndim <= 1], 'lr': rate, 'weight_decay': 0.0})

    group(model.heads.parameters(), 1e-3)
    for i in range(layers):
        group(model.encoder.encoder.layer[i].parameters(), 1e-4 * 0.9 ** (layers - 1 - i))
    group(model.encoder.embeddings.parameters(), 1e-4 * 0.9**layers)
    return torch.optim.AdamW(groups, fused=True)


def batches_of(rows: list[dict], grouped: bool) -> list[list[int]]:
    """Places of the rows, shuffled. Grouped: sorted by length within windows of 50 batches, then the batches shuffled."""
    order = list(range(len(rows)))
    random.shuffle(order)
    if not grouped:
        return [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    window = 50 * BATCH
    for at in range(0, len(order), window):
        order[at : at + window] = sorted(order[at : at + window], key=lambda j: -len(rows[j]['ids']))
    batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    random.shuffle(batches)
    return batches


class Run(NamedTuple):
    """What each step did: places of its rows, its loss, its tokens, and when it ended, in seconds from the start."""

    orders: list[list[int]]
    losses: list[float]
    tokens: list[int]
    ends: list[float]


def train(model: Joint, rows: list[dict], options: argparse.Namespace, most: int | None = None) -> Run:
    optimizer = optimizer_of(model)
    steps = min(most or math.inf, options.epochs * math.ceil(len(rows) / BATCH))
    warmup = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: (t + 1) / warmup if t < warmup else max(0, (steps - t) / (steps - warmup)))
    run, start = Run([], [], [], []), time.perf_counter()
    model.train()
    for epoch in range(options.epochs):
        begin = len(run.losses)
        for batch in batches_of(rows, options.group_by_length):
            if len(run.losses) == steps:
                break
            ids, mask, labels = collate([rows[j] for j in batch])
            with torch.autocast('cpu', dtype=torch.bfloat16, enabled=options.dtype == 'bfloat16'):
                loss = loss_of(model(ids, mask), labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            for values, value in zip(run, (batch, loss.item(), int(mask.sum()), time.perf_counter() - start)):
                values.append(value)
        if len(run.losses) == begin:
            break
        print(f'epoch {epoch} loss {sum(run.losses[begin:]) / (len(run.losses) - begin):.4f} at {run.ends[-1]:.1f} s', flush=True)
    return run


def speed_of(run: Run) -> dict[str, float]:
    """After the first steps, in which memory is allocated and code is made."""
    seconds = run.ends[-1] - run.ends[WARM_STEPS - 1]
    return {
        'examplesPerSecond': round(sum(map(len, run.orders[WARM_STEPS:])) / seconds, 1),
        'tokensPerSecond': round(sum(run.tokens[WARM_STEPS:]) / seconds),
        'peakRssMB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


@torch.inference_mode()
def predict(model: Joint, rows: list[dict]) -> list[dict[str, torch.Tensor]]:
    model.eval()
    results = []
    for at in range(0, len(rows), 64):
        ids, mask, _ = collate(rows[at : at + 64])
        logits = model(ids, mask)
        results += [{name: x[i] for name, x in logits.items()} for i in range(len(ids))]
    return results


def scores(model: Joint, data: Data, rows: list[dict]) -> dict[str, float]:
    """In percent. Tags over all words; those that were cut off or yield no token count as O."""
    from seqeval.metrics import f1_score

    right, frames, gold, guessed = [], [], [], []
    for row, logits in zip(rows, predict(model, rows)):
        example, whole = row['example'], []
        if 'intent' in example and data.intents:
            right.append(data.intents[logits['intent'].argmax()] == example['intent'])
            whole.append(right[-1])
        if 'tags' in example:
            tags, previous = ['O'] * len(example['tags']), None
            for k, word in enumerate(row['words']):
                if word is not None and word != previous:
                    tags[word] = data.tags[logits['slots'][k].argmax()]
                previous = word
            gold.append(example['tags'])
            guessed.append(tags)
            whole.append(tags == example['tags'])
        if len(whole) == 2:
            frames.append(all(whole))
    percent = lambda values: 100 * sum(values) / len(values)
    return {
        **({'intent': percent(right)} if right else {}),
        **({'slots': 100 * f1_score(gold, guessed)} if gold else {}),
        **({'frame': percent(frames)} if frames else {}),
    }


def rejection(model: Joint, data: Data) -> dict[str, float]:
    """Sentences whose best probability is below a threshold are rejected: the one that serves both kinds best on the validation split."""

    def answers(split: str) -> list[tuple[bool, float]]:
        best = [logits['intent'].softmax(-1).max(-1) for logits in predict(model, data.rows[split])]
        return [(data.intents[b.indices] == row['example']['intent'], float(b.values)) for b, row in zip(best, data.rows[split])]

    def shares(inside: list, outside: list, threshold: float) -> tuple[float, float]:
        kept = sum(right and score >= threshold for right, score in inside) / len(inside)
        return kept, sum(score < threshold for _, score in outside) / len(outside)

    validation = answers('val'), answers('oos_val')
    threshold = max((i / 100 for i in range(100)), key=lambda t: sum(shares(*validation, t)))
    kept, rejected = shares(answers('test'), answers('oos_test'), threshold)
    return {'threshold': threshold, 'intent-kept': 100 * kept, 'oos-recall': 100 * rejected}


def main() -> None:
    a = arguments()
    torch.manual_seed(a.seed)
    random.seed(a.seed)
    data = Data(SETS[a.set](a.data), AutoTokenizer.from_pretrained(a.model))
    model = Joint(a.model, data, dropout=a.curve is None)
    rows = data.rows['train']
    if a.curve:
        heads = {f'heads.{name}.0.{part}': p.detach().clone() for name, head in model.heads.items() for part, p in head.named_parameters()}
        save_file(heads, a.curve.with_suffix('.safetensors'))
        run = train(model, rows, a, CURVE_STEPS)
        a.curve.write_text(json.dumps({'set': a.set, 'seed': a.seed, 'dtype': a.dtype, 'steps': run.orders, 'loss': run.losses}))
        return
    if a.speed:
        print(json.dumps(speed_of(train(model, rows, a, a.speed))))
        return
    train(model, rows, a, a.max_steps)
    found = scores(model, data, data.rows['test'])
    if a.set == 'clinc150':
        found |= rejection(model, data)
    print(f'result {a.set} seed {a.seed} {a.dtype}: ' + ' '.join(f'{name} {value:.2f}' for name, value in found.items()))


if __name__ == '__main__':
    main()
