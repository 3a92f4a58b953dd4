"""Writes quantize.json, similarity.json and search.json in test/golden/ from sentence-transformers' own functions.

    python scripts/make-quantize-golden.py

Needs sentence-transformers 6.2. The vectors are float32, written as the doubles that they are.
"""

import json
from pathlib import Path

import numpy as np
import sentence_transformers
import torch
from sentence_transformers.util import cos_sim, dot_score, euclidean_sim, manhattan_sim, quantize_embeddings, semantic_search

GOLDEN = Path(__file__).resolve().parent.parent / "test" / "golden"
VERSIONS = {"sentence_transformers": sentence_transformers.__version__, "numpy": np.__version__, "torch": torch.__version__}
PRECISIONS = ["float32", "int8", "uint8", "binary", "ubinary"]


def floats(array):
    return array.astype(np.float64).tolist()


def write(name, cases):
    lines = ",\n".join(json.dumps(case) for case in cases)
    (GOLDEN / name).write_text(f'{{"versions": {json.dumps(VERSIONS)},\n"cases": [\n{lines}\n]}}\n')


def quantize_case(name, data, ranges=None, calibration=None, precisions=PRECISIONS):
    case = {"name": name, "dimension": data.shape[1], "data": floats(data.ravel())}
    if ranges is not None:
        case["ranges"] = floats(ranges)
    if calibration is not None:
        case["calibration"] = floats(calibration.ravel())
    case["expected"] = {
        p: quantize_embeddings(data, p, ranges, calibration).ravel().tolist() for p in precisions
    }
    return case


def quantize_cases(rng):
    unit = rng.standard_normal((5, 16)).astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    yield quantize_case("unit vectors, ranges of their own", unit)

    wide = np.float32([[-3, -1, -0.5, 0, 0.25, 1, 3, 100], [-1e-30, 1e-30, -0.0, 0.0, 0.999, -0.999, 1.0, -1.0]])
    yield quantize_case("outside the ranges, both zeros", wide, ranges=np.float32([[-1] * 8, [1] * 8]))

    flat = np.float32([[0.5, 1, -2], [0.5, 2, -2], [3.5, 1.5, -4.5]])
    yield quantize_case("constant dimensions", flat, calibration=flat[:2])
    yield quantize_case("a dimension that fills no byte", rng.standard_normal((3, 11)).astype(np.float32))
    yield quantize_case("one row, a calibration set", unit[:1], calibration=unit)

    # Every multiple of a step: each lies at or close to the value where the integer changes.
    low, high = np.float32(-0.217), np.float32(0.331)
    edges = (low + np.arange(256, dtype=np.float32) * ((high - low) / np.float32(255))).astype(np.float32)
    yield quantize_case("edges of the steps", edges.reshape(-1, 1), ranges=np.float32([[low], [high]]), precisions=["int8", "uint8"])
    # Ranges given in float64 are rounded to float32 before anything is computed.
    yield quantize_case("float64 ranges", edges.reshape(-1, 1), ranges=np.float64([[-0.217], [0.331]]), precisions=["int8", "uint8"])


def similarity_cases(rng):
    functions = {"cosine": cos_sim, "dot": dot_score, "euclidean": euclidean_sim, "manhattan": manhattan_sim}
    small = rng.standard_normal((3, 8)).astype(np.float32)
    pairs = {
        "three by two": (small, rng.standard_normal((2, 8)).astype(np.float32)),
        "with itself": (small, small),
        "zero vectors": (np.float32([[0, 0, 0], [1, 2, 2]]), np.float32([[0, 0, 0], [1e-20, 0, 0], [3, 0, 4]])),
        "unit vectors of 384": tuple((lambda v: v / np.linalg.norm(v, axis=1, keepdims=True))(rng.standard_normal((2, 384)).astype(np.float32)) for _ in range(2)),
    }
    for name, (a, b) in pairs.items():
        expected = {f: floats(function(a, b).numpy()) for f, function in functions.items()}
        yield {"name": name, "a": floats(a), "b": floats(b), "expected": expected}


def search_cases(rng):
    """Vectors are given in 64ths, which float32 holds exactly. Scores that are equal have no order in Python, so there are none."""
    for name, function, top_k in [("cosine", cos_sim, 10), ("dot", dot_score, 5), ("euclidean", euclidean_sim, 300), ("manhattan", manhattan_sim, 1)]:
        queries, corpus = (rng.integers(-99, 100, (rows, 8)) for rows in (7, 250))
        a, b = (torch.tensor(x / 64, dtype=torch.float32) for x in (queries, corpus))
        scores = function(a, b)
        # Without the rows that repeat a score.
        keep = [j for j in range(len(corpus)) if all(len(set(row.tolist())) == len(row) or row[j] not in row[:j] for row in scores)]
        found = semantic_search(a, b[keep], top_k=top_k, score_function=function)
        hits = [[[hit["corpus_id"], hit["score"]] for hit in row] for row in found]
        yield {"name": name, "topK": top_k, "queries": queries.tolist(), "corpus": corpus[keep].tolist(), "hits": hits}


if __name__ == "__main__":
    write("quantize.json", quantize_cases(np.random.default_rng(3)))
    write("similarity.json", similarity_cases(np.random.default_rng(4)))
    write("search.json", search_cases(np.random.default_rng(5)))
