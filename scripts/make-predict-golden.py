"""Writes test/golden/predict.json: what transformers' TokenClassificationPipeline says of the tiny BERT with a head drawn from a seed.

    python scripts/make-predict-golden.py

Needs torch and transformers 5.24. Offsets are UTF-16 units. `simple`: byte-level and sentencepiece tokenizers, whose tokens may be a bare space;
entities without their white space, and none of white space alone. `long`: logits of a text cut into windows by hand, as docs/predict.md says.
"""

import base64
import json
import os
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

import numpy as np
import torch
import transformers
from transformers import AutoModelForTokenClassification, AutoTokenizer, BertForTokenClassification, TokenClassificationPipeline

TEST = Path(__file__).resolve().parent.parent / "test"
BASE, SEED, STRIDE, MAX_LENGTH = "bert", 147, 10, 48
# The seed gives tags of many kinds.
LABELS = ["O", "B-place", "I-place", "B-time", "I-time", "B-name", "I-name"]
CLASSES = ["play", "book", "rate"]
# 'simple' groups tokens as they are: what we call 'none'.
STRATEGIES = {"first": "first", "average": "average", "max": "max", "none": "simple"}
TEXTS = [
    "New York is bigger than the river",
    "😀 The antidisestablishment flows towards Ocean 😀 and über rivers",
    "Book a well-known table, at 42 o'clock; in San Francisco!",
    "中文 and the 中文 river",
    "x",
    "the quick brown fox jumps over the lazy dog while everybody is sleeping in unbelievably comfortable armchairs",
]
SIMPLE_BASES = {"roberta": 562, "xlm-roberta": 250}
SIMPLE_TEXTS = [
    "  New   York\n\n is  bigger ",
    "a \t b   c    d",
    "😀  über 😀😀 \n 中文 \u00a0 x",
    "to <mask> the  river </s> x",
    "river! \n\n\n ocean  ?  42",
]
LONG = " ".join(f"{word}{i % 7}" for i, word in enumerate(["river", "ocean", "unbelievable", "York", "to", "antique"] * 9))


def matrix(values):
    values = np.ascontiguousarray(values, dtype=np.float32)
    return {"rows": values.shape[0], "columns": values.shape[1], "data": base64.b64encode(values.tobytes()).decode()}


def utf16(text, place):
    return len(text[:place].encode("utf-16-le")) // 2


def linear(inputs, outputs):
    torch.manual_seed(SEED)
    return torch.nn.Linear(inputs, outputs)


def windows(count, size, stride):
    """Starts of full windows; the last one ends with the text."""
    starts = list(range(0, count - size, size - stride))
    return starts + [count - size]


def long_logits(model, ids):
    inner, size = ids[1:-1], MAX_LENGTH - 2
    starts = windows(len(inner), size, STRIDE)
    rows = []
    for start in starts:
        row = torch.tensor([[ids[0], *inner[start : start + size], ids[-1]]])
        rows.append(model(row).logits[0])
    merged = [rows[0][0]]
    for i in range(len(inner)):
        inside = [w for w, start in enumerate(starts) if start <= i < start + size]
        # Nearest middle; of two as near the later.
        best = min(reversed(inside), key=lambda w: abs(2 * (i - starts[w]) + 1 - size))
        merged.append(rows[best][1 + i - starts[best]])
    return torch.stack([*merged, rows[-1][-1]])


def trimmed(text, entity):
    """With its white space cut off; None where nothing remains."""
    part = text[entity["start"] : entity["end"]]
    start = entity["start"] + len(part) - len(part.lstrip())
    end = start + len(part.strip())
    label, score = entity["entity_group"], float(entity["score"])
    return {"label": label, "start": utf16(text, start), "end": utf16(text, end), "score": score} if start < end else None


def simple(base, seed):
    folder = TEST / "fixtures" / "models" / base
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder, num_labels=len(LABELS)).eval()
    model.config.id2label = dict(enumerate(LABELS))
    torch.manual_seed(seed)
    # Logits that leave tags of many kinds side by side, also on bare spaces.
    model.classifier = torch.nn.Linear(model.config.hidden_size, len(LABELS))
    pipeline = TokenClassificationPipeline(model=model, tokenizer=tokenizer)
    for text in SIMPLE_TEXTS:
        encoded = tokenizer(text, return_tensors="pt")
        found = [trimmed(text, entity) for entity in pipeline(text, aggregation_strategy="simple")]
        ids = encoded.input_ids[0].tolist()
        yield {"base": base, "text": text, "ids": ids, "logits": matrix(model(**encoded).logits[0]), "entities": [e for e in found if e]}


@torch.no_grad()
def main():
    folder = TEST / "fixtures" / "models" / BASE
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertForTokenClassification.from_pretrained(folder, num_labels=len(LABELS)).eval()
    model.config.id2label = dict(enumerate(LABELS))
    model.classifier.load_state_dict(linear(32, len(LABELS)).state_dict())
    classifier = linear(32, len(CLASSES))
    pipeline = TokenClassificationPipeline(model=model, tokenizer=tokenizer)

    cases = []
    for text in TEXTS:
        encoded = tokenizer(text, return_tensors="pt")
        entities = {
            name: [
                {"label": e["entity_group"], "start": utf16(text, e["start"]), "end": utf16(text, e["end"]), "score": float(e["score"])}
                for e in pipeline(text, aggregation_strategy=strategy)
            ]
            for name, strategy in STRATEGIES.items()
        }
        states = model.bert(**encoded).last_hidden_state[0]
        cases.append({
            "text": text,
            "logits": matrix(model(**encoded).logits[0]),
            "entities": entities,
            "classes": classifier(states.mean(dim=0)).double().tolist(),
        })  # fmt: skip
    golden = {
        "script": "scripts/make-predict-golden.py",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "base": BASE, "seed": SEED, "labels": LABELS, "classLabels": CLASSES,
        "cases": cases, "simple": [case for base, seed in SIMPLE_BASES.items() for case in simple(base, seed)],
        "long": {"text": LONG, "maxLength": MAX_LENGTH, "stride": STRIDE, "logits": matrix(long_logits(model, tokenizer(LONG).input_ids))},
    }  # fmt: skip
    (TEST / "golden" / "predict.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
