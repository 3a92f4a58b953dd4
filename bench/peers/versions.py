"""Prints the versions of the Python side as one line of JSON."""
import json
import platform

import sentence_transformers
import torch
import transformers

print(json.dumps({
    'python': platform.python_version(),
    'torch': torch.__version__,
    'transformers': transformers.__version__,
    'sentenceTransformers': sentence_transformers.__version__,
}))
