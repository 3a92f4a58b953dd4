"""Writes test/golden/all-MiniLM-L6-v2.json: token ids and float32 vectors of the real model.

usage: make-golden-minilm.py MODEL_FOLDER      in the environment of the reference (torch, transformers, sentence-transformers)
"""
import argparse
import hashlib
import os
import sys
import warnings
from pathlib import Path

warnings.filterwarnings('ignore')
os.environ.update(HF_HUB_OFFLINE='1', TRANSFORMERS_VERBOSITY='error')
sys.path.insert(0, str(Path(__file__).parent))

import torch
from sentence_transformers import SentenceTransformer

from golden import files, texts
from golden.oracle import ids

SENTENCES = [
    'The weather is lovely today.',
    "It's so sunny outside!",
    'He drove to the stadium.',
    'What is the capital of France?',
    'Paris is the capital and largest city of France.',
    'book me a table for two at seven tomorrow evening',
    'play the latest album of that band from iceland',
    'How do I reset my password?',
    'Der schnelle braune Fuchs springt über den faulen Hund.',
    'SELECT name FROM users WHERE id = 42;',
    'ok',
    'no no no no no',
]
PASSAGES = [
    texts.PASSAGE.strip(),
    texts.PASSAGE * 3,
    'Photosynthesis turns light into chemical energy. ' * 12,
    'In 1969, two people walked on the Moon; a third stayed in orbit, and half a billion watched. ' * 4,
]
OVERLONG = [
    {'text': texts.PASSAGE, 'times': 20},
    {'text': 'supercalifragilistic ', 'times': 200},
    {'text': '中文 ', 'times': 400},
    {'text': '😀', 'times': 2000},
    texts.UNDERSCORES,
    texts.LONG_WORD,
    {'text': 'x', 'times': 101},  # one more letter than WordPiece looks at
    {'text': 'x', 'times': 100},
]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('model', type=Path)
    folder = arguments.parse_args().model
    torch.set_num_threads(1)
    model = SentenceTransformer(str(folder), device='cpu', local_files_only=True)
    # 254 and 255 tokens before the special ones: at the limit, and one over it.
    edges = [{'text': 'the ', 'times': n} for n in (253, 254, 255)]
    written = [*SENTENCES, *texts.SHORT, *texts.BLANK, *texts.NASTY, *PASSAGES, *OVERLONG, *edges]
    strings = [texts.expand(text) for text in written]
    files.write(Path(__file__).parent.parent / 'test/golden/all-MiniLM-L6-v2.json', {
        'made': files.header('scripts/make-golden-minilm.py'),
        'weights': hashlib.sha256((folder / 'model.safetensors').read_bytes()).hexdigest(),
        'texts': written,
        'ids': ids(model, strings),
        'vectors': files.matrix(model.encode(strings, show_progress_bar=False)),
    })  # fmt: skip


if __name__ == '__main__':
    main()
