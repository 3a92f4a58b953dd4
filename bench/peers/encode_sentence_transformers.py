"""sentence-transformers on the CPU: throughput, latency of one text, start, memory. Prints one line of JSON, the keys of bench/programs/encode.mjs.

usage: encode_sentence_transformers.py MODEL_DIR TEXTS.json [--dtype float32|bfloat16] [--limit N] [--repeat N]
"""
import argparse
import json
import os
import resource
import statistics
import time
import warnings

warnings.filterwarnings('ignore')
os.environ.update(HF_HUB_OFFLINE='1', TRANSFORMERS_VERBOSITY='error')

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('model')
parser.add_argument('texts')
parser.add_argument('--dtype', default='float32', choices=('float32', 'bfloat16'))
parser.add_argument('--limit', type=int, default=2048)
parser.add_argument('--repeat', type=int, default=3)
options = parser.parse_args()
with open(options.texts, encoding='utf8') as file:
    texts = json.load(file)[: options.limit]

# The packages are part of the start that a program pays for.
start = time.perf_counter()
import torch
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(options.model, device='cpu', model_kwargs={'dtype': getattr(torch, options.dtype)})
model.encode(texts[:1], show_progress_bar=False)
first_seconds = time.perf_counter() - start


def seconds_of(what, **more) -> float:
    began = time.perf_counter()
    model.encode(what, show_progress_bar=False, **more)
    return time.perf_counter() - began


# `encode` sorts by length itself; 32 is its default batch size.
bulk = statistics.median(seconds_of(texts, batch_size=32) for _ in range(options.repeat))
latency = sorted(1e3 * seconds_of(text) for text in texts[:200])
tokens = sum(min(len(ids), model.max_seq_length) for ids in model.tokenizer(texts)['input_ids'])
print(json.dumps({
    'peer': 'sentence-transformers',
    'dtype': options.dtype,
    'texts': len(texts),
    'tokens': tokens,
    'firstSeconds': round(first_seconds, 2),
    'textsPerSecond': round(len(texts) / bulk, 1),
    'tokensPerSecond': round(tokens / bulk),
    'p50Ms': round(latency[len(latency) // 2], 2),
    'p99Ms': round(latency[int(len(latency) * 0.99)], 2),
    'peakRssMB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
}))
