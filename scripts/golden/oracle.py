"""What sentence-transformers gives for a recipe and a call."""
import tempfile
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

from golden import variants

METHODS = {'encode': 'encode', 'encodeQuery': 'encode_query', 'encodeDocument': 'encode_document'}
OPTIONS = {'normalize': 'normalize_embeddings', 'truncateDim': 'truncate_dim', 'prompt': 'prompt', 'promptName': 'prompt_name'}


class Oracle:
    """Builds each folder once in a temporary place; float32 on the CPU whatever the file holds."""

    def __init__(self, fixtures: Path):
        self.fixtures = fixtures
        self.temporary = tempfile.TemporaryDirectory()
        self.count = 0

    def open(self, recipe: dict) -> SentenceTransformer:
        self.count += 1
        folder = variants.build(self.fixtures, recipe, Path(self.temporary.name) / str(self.count))
        return SentenceTransformer(str(folder), device='cpu', model_kwargs={'dtype': torch.float32}, local_files_only=True).eval()

    def encode(self, model: SentenceTransformer, texts: list[str], method: str = 'encode', options: dict = {}):
        if 'maxLength' in options:
            model.max_seq_length = options['maxLength']
        call = {OPTIONS[key]: value for key, value in options.items() if key != 'maxLength'}
        return getattr(model, METHODS[method])(texts, show_progress_bar=False, **call)


def ids(model: SentenceTransformer, texts: list[str], prompt: str | None = None) -> list[list[int]]:
    """As the model sees them: prompt in front, special tokens, cut at its limit."""
    return [model.preprocess([text], prompt=prompt)['input_ids'][0].tolist() for text in texts]


def prompt_of(model: SentenceTransformer, options: dict) -> str | None:
    return model._resolve_prompt(options.get('prompt'), options.get('promptName'))


def utf16(text: str, position: int) -> int:
    return len(text[:position].encode('utf-16-le')) // 2


def token_states(model: SentenceTransformer, text: str) -> dict:
    """Tokens, their places in the text in UTF-16 units (special tokens at 0, 0), and the last hidden states."""
    coded = model.tokenizer(text, truncation=True, max_length=model.max_seq_length, return_offsets_mapping=True)
    states = model.encode(text, output_value='token_embeddings', show_progress_bar=False).numpy()
    assert len(states) == len(coded['input_ids'])
    return {
        'tokens': coded.tokens(),
        'offsets': [[utf16(text, a), utf16(text, b)] for a, b in coded['offset_mapping']],
        'states': states,
    }
