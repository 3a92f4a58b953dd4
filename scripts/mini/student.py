"""Trains the vocabulary of the bundled model and writes its encoder before training: a BERT with random layers.

usage: python scripts/mini/student.py DIR OUT

DIR holds texts.txt and the teacher's vectors (scripts/mini/teacher.mjs). The layers are random, and small enough that the word table passes
through them. The word table and the Dense module start from a linear regression of the teacher's vectors on the counts of word pieces, of
reduced rank, which saves the first part of the training. Needs tokenizers, numpy, scipy and safetensors.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy import linalg, sparse
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SEED = 9
PIECES = 7000
HIDDEN = 192
LAYERS = 3
HEADS = 6
INTERMEDIATE = 768
POSITIONS = 128
DIMENSION = 384
SPREAD = 0.04
# Standard deviation of the word table. LayerNorm removes it from the outputs, so it only sets how fast words change in training.
WORDS = 0.1
# Number of files of teacher vectors for the regression.
SHARDS = 4
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def vocabulary(texts: Path) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=PIECES, limit_alphabet=100, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train([str(texts)], trainer)
    ids = [(token, tokenizer.token_to_id(token)) for token in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ids)
    return tokenizer


def recorded(folder: Path) -> tuple[list[str], np.ndarray]:
    """The texts that have a teacher's vector, and these vectors."""
    shards = sorted((folder / "teacher").glob("*.f16"))[:SHARDS]
    vectors = np.concatenate([np.fromfile(shard, dtype=np.float16) for shard in shards]).reshape(-1, DIMENSION)
    lines = (folder / "texts.txt").read_text("utf8").split("\n")
    return lines[: len(vectors)], vectors.astype(np.float32)


def piece_shares(tokenizer: Tokenizer, texts: list[str]) -> sparse.csr_matrix:
    """[texts, pieces]: the share of each piece among the tokens of a text, special tokens included."""
    rows = [encoding.ids[:POSITIONS] for encoding in tokenizer.encode_batch(texts)]
    offsets = np.cumsum([0, *map(len, rows)])
    values = np.concatenate([np.full(len(row), 1 / len(row)) for row in rows])
    shape = (len(texts), tokenizer.get_vocab_size())
    return sparse.csr_matrix((values, np.concatenate(rows), offsets), shape=shape)


def ridge(inputs: np.ndarray | sparse.csr_matrix, targets: np.ndarray, penalty: float) -> np.ndarray:
    gram = inputs.T @ inputs
    gram = (gram.toarray() if sparse.issparse(gram) else gram).astype(np.float32)
    gram[np.diag_indices_from(gram)] += penalty
    return linalg.solve(gram, np.asarray(inputs.T @ targets, dtype=np.float32), assume_a="pos", overwrite_a=True)


def regression(tokenizer: Tokenizer, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The word table [pieces, HIDDEN], and weight and bias of the Dense module."""
    texts, vectors = recorded(folder)
    shares = piece_shares(tokenizer, texts)
    mean = vectors.mean(axis=0)
    whole = ridge(shares, vectors - mean, penalty=0.05)
    # The best approximation of the predictions by HIDDEN numbers a text.
    predictions = shares @ whole
    _, directions = np.linalg.eigh(predictions.T @ predictions)
    table = whole @ directions[:, -HIDDEN:]
    table += np.random.default_rng(SEED).normal(0, 1e-4, table.shape)
    # LayerNorm takes the length of each word's vector, so the Dense module is fitted to what is left.
    normed = (table - table.mean(axis=1, keepdims=True)) / table.std(axis=1, keepdims=True)
    pooled = shares @ normed
    centre = pooled.mean(axis=0)
    weight = ridge(pooled - centre, vectors - mean, penalty=10.0).T
    return normed * WORDS, weight, mean - weight @ centre


def encoder(words: np.ndarray) -> dict[str, np.ndarray]:
    random = np.random.default_rng(SEED)
    tensors = {"embeddings.word_embeddings.weight": words}

    def linear(name: str, outputs: int, inputs: int, spread: float = SPREAD) -> None:
        tensors[f"{name}.weight"] = random.normal(0, spread, (outputs, inputs))
        tensors[f"{name}.bias"] = np.zeros(outputs)

    def norm(name: str) -> None:
        tensors[f"{name}.weight"] = np.ones(HIDDEN)
        tensors[f"{name}.bias"] = np.zeros(HIDDEN)

    tensors["embeddings.position_embeddings.weight"] = random.normal(0, SPREAD / 20, (POSITIONS, HIDDEN))
    tensors["embeddings.token_type_embeddings.weight"] = np.zeros((2, HIDDEN))
    norm("embeddings.LayerNorm")
    for layer in (f"encoder.layer.{i}" for i in range(LAYERS)):
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", HIDDEN, HIDDEN)
        linear(f"{layer}.attention.output.dense", HIDDEN, HIDDEN, SPREAD / 4)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", INTERMEDIATE, HIDDEN)
        linear(f"{layer}.output.dense", HIDDEN, INTERMEDIATE, SPREAD / 4)
        norm(f"{layer}.output.LayerNorm")
    return tensors


def write(out: Path, name: str, value: object) -> None:
    file = out / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(value, dict) and all(isinstance(item, np.ndarray) for item in value.values()) and value:
        save_file({key: np.ascontiguousarray(item, dtype=np.float32) for key, item in value.items()}, file, metadata={"format": "pt"})
    else:
        file.write_text(json.dumps(value, indent=2) + "\n")


def main(folder: Path, out: Path) -> None:
    tokenizer = vocabulary(folder / "texts.txt")
    words, weight, bias = regression(tokenizer, folder)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    write(out, "model.safetensors", encoder(words))
    write(out, "2_Dense/model.safetensors", {"linear.weight": weight, "linear.bias": bias})
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INTERMEDIATE,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    write(out, "config.json", config)
    special = {f"{name.lower().strip('[]')}_token": name for name in SPECIAL}
    write(out, "tokenizer_config.json", {"tokenizer_class": "BertTokenizerFast", "do_lower_case": True, "model_max_length": POSITIONS, **special})
    kinds = ("Transformer", "Pooling", "Dense", "Normalize")
    modules = [
        {"idx": i, "name": str(i), "path": "" if i == 0 else f"{i}_{kind}", "type": f"sentence_transformers.models.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    write(out, "modules.json", modules)
    write(out, "sentence_bert_config.json", {"max_seq_length": POSITIONS, "do_lower_case": False})
    write(out, "1_Pooling/config.json", {"word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": True})
    activation = {"activation_function": "torch.nn.modules.linear.Identity"}
    write(out, "2_Dense/config.json", {"in_features": HIDDEN, "out_features": DIMENSION, "bias": True, **activation})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
