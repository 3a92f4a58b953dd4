"""A model folder that differs from a committed one in a few files. test/support/variant.ts reads the same recipe in the same way."""
import json
import shutil
from pathlib import Path

TOKENIZER_FILES = ('tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'vocab.txt', 'vocab.json', 'merges.txt')


def build(fixtures: Path, recipe: dict, into: Path) -> Path:
    """recipe: { base, overlays?, tokenizer?, files? }. An overlay's files replace the base's; another tokenizer replaces all of the base's
    tokenizer files. In `files`, null removes the file, an array or a new file is written whole, an object changes the top-level keys of the
    JSON object that is there (null removes a key)."""
    shutil.copytree(fixtures / 'models' / recipe['base'], into)
    for overlay in recipe.get('overlays', []):
        shutil.copytree(fixtures / 'overlays' / overlay, into, dirs_exist_ok=True)
    if 'tokenizer' in recipe:
        for name in TOKENIZER_FILES:
            (into / name).unlink(missing_ok=True)
        shutil.copytree(fixtures / 'tokenizers' / recipe['tokenizer'], into, dirs_exist_ok=True)
    for name, change in recipe.get('files', {}).items():
        path = into / name
        if change is None:
            path.unlink()
            continue
        if isinstance(change, dict) and path.exists():
            merged = {**json.loads(path.read_text(encoding='utf-8')), **change}
            change = {key: value for key, value in merged.items() if value is not None}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(change, indent=2) + '\n', encoding='utf-8')
    return into
