"""Golden files: floats as base64 of little-endian bytes, exact and small; the versions that made them in the header."""
import base64
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

PACKAGES = ('torch', 'transformers', 'sentence-transformers', 'tokenizers')


def header(script: str) -> dict:
    return {'script': script, 'python': platform.python_version(), **{name: version(name) for name in PACKAGES}}


def base64_of(values) -> str:
    """Floats become float32; int8 and uint8 stay what they are. Row-major."""
    array = np.asarray(values)
    if array.dtype not in (np.int8, np.uint8):
        array = array.astype('<f4')
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def matrix(values) -> dict:
    """A two-dimensional array as { rows, columns, data }."""
    array = np.asarray(values)
    return {'rows': array.shape[0], 'columns': array.shape[1], 'data': base64_of(array)}


def write(path: Path, content: dict) -> None:
    """JSON with one line for each member of a list of objects: small, and a diff still says which case changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_render(content, 0) + '\n', encoding='utf-8')


def _render(value, depth: int) -> str:
    flat = json.dumps(value, ensure_ascii=True)
    if len(flat) < 160 or isinstance(value, (str, int, float)) or depth == 2:
        return flat
    inner, outer = ' ' * (depth + 1), ' ' * depth
    if isinstance(value, dict):
        rows = [f'{inner}{json.dumps(k)}: {_render(v, depth + 1)}' for k, v in value.items()]
        return '{\n' + ',\n'.join(rows) + f'\n{outer}}}'
    return '[\n' + ',\n'.join(f'{inner}{_render(v, depth + 1)}' for v in value) + f'\n{outer}]'
