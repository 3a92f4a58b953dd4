"""Makes test/golden/alignment.json and test/golden/alignment-words.json: words and sub-words as transformers' fast tokenizers align them.

    python scripts/make-alignment-golden.py MODEL_DIR DATA_DIR

Made with: python 3.11, transformers 5.23.0, tokenizers 0.23.3 (the files name the versions that were used). MODEL_DIR: all-MiniLM-L6-v2;
DATA_DIR: the folder with snips, wnut17 and hwu64.

alignment.json has, for each file of the data sets, the SHA-256 of the rows of token ids and of the rows of tag labels, cut at 64 tokens. A row
is its integers joined by spaces and a line feed. SNIPS and WNUT17 are pre-split: is_split_into_words. HWU64 has plain text and entities by
offsets: its words are the tokenizer's own (word_ids of the text), a word is of the entity that touches it (IOB2). A word's tag stands on its
first sub-word; the others, and tags that the training split does not have, are -100. Labels are numbered in sorted order.

alignment-words.json has word_ids of texts that are hard on tokenizers, split at white space, for the fixture tokenizers. RoBERTa's refuses pre-split
words unless add_prefix_space is true, so it is made so.
"""

import hashlib
import json
import sys
from pathlib import Path

import tokenizers
import transformers
from transformers import AutoTokenizer

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "test" / "golden"
FIXTURES = ROOT / "test" / "fixtures" / "tokenizers"
VERSIONS = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
MAX_LENGTH = 64

# Words, where splitting at white space would not give them.
HARD_WORDS = {
    "control characters": ["a", "\u0001", "b\u0007", "\u001b\u009f", "c"],
    "lone variation selectors": ["\ufe0f", "heart", "\ufe0e\ufe0f", "\u2764", "\ufe0f"],
    "format characters": ["\u200b", "zero", "\u200d", "\u2060", "\ufeff", "width", "\u00ad"],
    "combining marks": ["\u0301", "e", "\u0301\u0308", "x\u0327", "\u20dd"],
    "emoji": ["\U0001f600", "\U0001f44d\U0001f3fd", "ok", "\U0001f1eb\U0001f1f7", "\U0001f468\u200d\U0001f469\u200d\U0001f467"],
    "cjk": ["\u5317\u4eac", "\u662f", "\u4e2d\u56fd\u7684", "\U00020000\U00020bb7", "city", "\u3053\u3093\u306b\u3061\u306f", "\uac00\ub098"],
    "white space inside": ["New York", "\u00a0", "a\u3000b", "end"],
    "punctuation": ["don't", "'s", "(", "e-mail", ")", "...", "--", "@user", "#tag", "http://a.b/c?d=e"],
    "special tokens as words": ["[MASK]", "<mask>", "is", "<s>", "[SEP]", "</s>", "[UNK]"],
    "one long word": ["a" * 120, "then", "x" * 30],
    "nothing": ["\u0001", "\ufe0f"],
}


def lines(path):
    return path.read_text(encoding="utf8").split("\n")


def snips(folder):
    rows = zip(lines(folder / "seq.in"), lines(folder / "seq.out"))
    return [(words.split(), tags.split()) for words, tags in rows if words.strip()]


def conll(path):
    sentences, words, tags = [], [], []
    for line in [*lines(path), ""]:
        if line.strip() == "":
            if words:
                sentences.append((words, tags))
            words, tags = [], []
        else:
            word, tag = line.split("\t")
            words.append(word)
            tags.append(tag.strip())
    return sentences


def rasa(path):
    return json.loads(path.read_text(encoding="utf8"))["rasa_nlu_data"]["common_examples"]


def first_subwords(word_ids, tags, ids):
    labels, previous = [], None
    for word in word_ids:
        labels.append(-100 if word is None or word == previous else ids.get(tags[word], -100))
        previous = word
    return labels


def presplit_rows(tokenizer, sentences, ids):
    for words, tags in sentences:
        coded = tokenizer(words, is_split_into_words=True, truncation=True, max_length=MAX_LENGTH)
        yield coded["input_ids"], first_subwords(coded.word_ids(), tags, ids), len(tokenizer(words, is_split_into_words=True)["input_ids"])


def plain_rows(tokenizer, examples, ids):
    for example in examples:
        whole = tokenizer(example["text"], return_offsets_mapping=True)
        spans = {}
        for word, (start, end) in zip(whole.word_ids(), whole["offset_mapping"]):
            if word is not None:
                first, last = spans.get(word, (start, end))
                spans[word] = (min(first, start), max(last, end))
        tags = {word: "O" for word in spans}
        for entity in sorted(example["entities"], key=lambda e: e["start"]):
            touched = [w for w, (a, b) in spans.items() if a < entity["end"] and b > entity["start"] and tags[w] == "O"]
            for place, word in enumerate(touched):
                tags[word] = ("B-" if place == 0 else "I-") + entity["entity"]
        coded = tokenizer(example["text"], truncation=True, max_length=MAX_LENGTH)
        yield coded["input_ids"], first_subwords(coded.word_ids(), tags, ids), len(whole["input_ids"])


def numbered(labels):
    return {label: i for i, label in enumerate(sorted(labels))}


def digest(rows):
    return hashlib.sha256("".join(" ".join(map(str, row)) + "\n" for row in rows).encode()).hexdigest()


def summary(file, rows):
    rows = list(rows)
    return {
        "file": file,
        "examples": len(rows),
        "tokens": sum(len(ids) for ids, _, _ in rows),
        "truncated": sum(length > MAX_LENGTH for _, _, length in rows),
        "ids": digest(ids for ids, _, _ in rows),
        "labels": digest(labels for _, labels, _ in rows),
    }


def data_sets(tokenizer, data):
    train = snips(data / "snips" / "train")
    ids = numbered({tag for _, tags in train for tag in tags})
    yield summary("snips/train", presplit_rows(tokenizer, train, ids))
    for split in ["dev", "test"]:
        yield summary(f"snips/{split}", presplit_rows(tokenizer, snips(data / "snips" / split), ids))

    train = conll(data / "wnut17" / "wnut17train.conll")
    ids = numbered({tag for _, tags in train for tag in tags})
    for name in ["wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"]:
        yield summary(f"wnut17/{name}", presplit_rows(tokenizer, conll(data / "wnut17" / name), ids))

    train = rasa(data / "hwu64" / "train.rasa.json")
    types = {entity["entity"] for example in train for entity in example["entities"]}
    ids = numbered({"O"} | {prefix + type for prefix in ["B-", "I-"] for type in types})
    for name in ["train", "test"]:
        yield summary(f"hwu64/{name}.rasa.json", plain_rows(tokenizer, rasa(data / "hwu64" / f"{name}.rasa.json"), ids))


def word_cases():
    nasty = json.loads((GOLDEN / "nasty-texts.json").read_text(encoding="utf8"))
    texts = {name: text.split() for name, text in nasty.items() if 0 < len(text) < 300}
    texts = {name: words for name, words in {**texts, **HARD_WORDS}.items() if words}
    for family in ["bert", "bert-cased", "mpnet", "roberta", "xlm-roberta"]:
        options = {"add_prefix_space": True} if family == "roberta" else {}
        tokenizer = AutoTokenizer.from_pretrained(FIXTURES / family, **options)
        for name, words in texts.items():
            coded = tokenizer(words, is_split_into_words=True)
            word_ids = [-1 if word is None else word for word in coded.word_ids()]
            yield {"tokenizer": family, "name": name, "words": words, "ids": coded["input_ids"], "wordIds": word_ids}


def write(name, key, rows, **facts):
    body = ",\n".join(json.dumps(row) for row in rows)
    facts = ", ".join(f'"{fact}": {json.dumps(value)}' for fact, value in {"versions": VERSIONS, **facts}.items())
    (GOLDEN / name).write_text(f'{{{facts}, "{key}": [\n{body}\n]}}\n')


if __name__ == "__main__":
    model, data = sys.argv[1], Path(sys.argv[2])
    write("alignment.json", "files", data_sets(AutoTokenizer.from_pretrained(model), data), maxLength=MAX_LENGTH)
    write("alignment-words.json", "cases", word_cases())
