"""The data sets of train.py: examples as dicts of `words` or `text`, and `intent`, `tags` (one a word) or `spans`."""
import json
from pathlib import Path


def lines(file: Path) -> list[str]:
    return file.read_text(encoding='utf8').split('\n')


def joint(root: Path, name: str) -> dict[str, list[dict]]:
    """JointBERT's layout."""

    def read(split: str) -> list[dict]:
        columns = ([line.strip() for line in lines(root / name / split / column) if line.strip()] for column in ('seq.in', 'seq.out', 'label'))
        return [{'words': w.split(), 'tags': t.split(), 'intent': c} for w, t, c in zip(*columns, strict=True)]

    return {'train': read('train'), 'test': read('test')}


def snips(root: Path) -> dict[str, list[dict]]:
    return joint(root, 'snips')


def made(root: Path) -> dict[str, list[dict]]:
    return joint(root, 'made')


def hwu64(root: Path) -> dict[str, list[dict]]:
    def read(split: str) -> list[dict]:
        examples = json.loads((root / 'hwu64' / f'{split}.rasa.json').read_text(encoding='utf8'))['rasa_nlu_data']['common_examples']
        return [{'text': x['text'], 'intent': x['intent'], 'spans': [(e['start'], e['end'], e['entity']) for e in x['entities']]} for x in examples]

    return {'train': read('train'), 'test': read('test')}


def wnut17(root: Path) -> dict[str, list[dict]]:
    def read(name: str) -> list[dict]:
        sentences, words = [], []
        for line in [*lines(root / 'wnut17' / name), '']:
            if line.strip():
                words.append(line.rstrip('\r').split('\t'))
            elif words:
                sentences.append({'words': [w for w, *_ in words], 'tags': [t for *_, t in words]})
                words = []
        return sentences

    # The annotated test file has one tag a word; the other lists alternatives.
    return {'train': read('wnut17train.conll'), 'test': read('emerging.test.annotated')}


def clinc150(root: Path) -> dict[str, list[dict]]:
    data = json.loads((root / 'clinc150/data_full.json').read_text(encoding='utf8'))
    return {split: [{'text': text, 'intent': intent} for text, intent in data[split]] for split in ('train', 'val', 'test', 'oos_val', 'oos_test')}


def mixed(root: Path) -> dict[str, list[dict]]:
    """SNIPS's tags and CLINC150's intents: no sentence has both."""

    def tags_alone(examples: list[dict]) -> list[dict]:
        return [{key: value for key, value in example.items() if key != 'intent'} for example in examples]

    tags, intents = snips(root), clinc150(root)
    return {split: tags_alone(tags[split]) + intents[split] for split in ('train', 'test')}


SETS = {'made': made, 'snips': snips, 'hwu64': hwu64, 'wnut17': wnut17, 'clinc150': clinc150, 'mixed': mixed}


def tags_of_spans(spans: list[tuple[int, int, str]], words: list[tuple[int, int]]) -> list[str]:
    """IOB2: an entity has every word that it touches and that no entity before it has."""
    tags, first = ['O'] * len(words), 0
    for start, end, label in sorted(spans):
        while first < len(words) and words[first][1] <= start:
            first += 1
        begin = first
        while first < len(words) and words[first][0] < end:
            tags[first] = f'{"B" if first == begin else "I"}-{label}'
            first += 1
    return tags
