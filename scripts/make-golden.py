"""Makes the tiny models of test/fixtures and what Python says about them in test/golden/models.

usage: make-golden.py [--models]      in the environment of the reference (torch, transformers, sentence-transformers)
Without --models the committed models are kept and only test/golden/models is written again. Tokenizers come from test/fixtures/tokenizers.
"""
import argparse
import os
import shutil
import sys
import warnings
from pathlib import Path

warnings.filterwarnings('ignore')
os.environ.update(HF_HUB_OFFLINE='1', TRANSFORMERS_VERBOSITY='error', TQDM_DISABLE='1')
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from sentence_transformers import SimilarityFunction
from sentence_transformers.util import quantize_embeddings
from transformers import AutoTokenizer
from transformers.utils import logging

from golden import cases, families, files, texts, verify
from golden.oracle import Oracle, ids, prompt_of, token_states

ROOT = Path(__file__).parent.parent / 'test'
FIXTURES, OUT = ROOT / 'fixtures', ROOT / 'golden/models'
MODELS, OVERLAYS = FIXTURES / 'models', FIXTURES / 'overlays'
SCRIPT = 'scripts/make-golden.py'


def make_models() -> None:
    for folder in (MODELS, OVERLAYS):
        shutil.rmtree(folder, ignore_errors=True)
    for family in families.FAMILIES:
        source = FIXTURES / 'tokenizers' / family
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = families.encoder(family, len(tokenizer), tokenizer.pad_token_id)
        verify.every_tensor_matters(model)
        verify.float32_suffices(model, families.FAMILIES[family][3])
        families.save_folder(family, model, source, MODELS / family)
        if family in families.HEADED:
            families.with_heads(family, model.config).save_pretrained(OVERLAYS / f'{family}-heads')
        if family == 'bert':
            model.save_pretrained(OVERLAYS / 'bert-shards', max_shard_size='110KB')
    families.save_weights_as(MODELS / 'bert', OVERLAYS / 'bert-float16', torch.float16)
    families.save_weights_as(MODELS / 'bert', OVERLAYS / 'bert-bfloat16', torch.bfloat16)
    width = families.hidden_size('bert')
    families.dense_overlay(OVERLAYS / 'bert-dense', '2_Dense', width, 24, True, 'torch.nn.modules.activation.Tanh')
    families.dense_overlay(OVERLAYS / 'bert-dense', '3_Dense', 24, 20, False, 'torch.nn.modules.linear.Identity')


def family_golden(oracle: Oracle, family: str) -> dict:
    written = texts.tiny()
    strings = [texts.expand(text) for text in written]
    model = oracle.open({'base': family})
    hidden = [i for i, text in enumerate(strings) if text.startswith(('hello', 'The quick', '中', '😀', 'a' + ' a' * 14)) or len(text) > 500]
    states = [{'text': i, **token_states(model, strings[i])} for i in hidden]
    rows = []
    for case in cases.pooling_cases(family):
        vectors = oracle.encode(oracle.open(case['recipe']), strings)
        rows.append({**case, 'vectors': files.matrix(vectors)})
    return {
        'made': files.header(SCRIPT),
        'base': family,
        'texts': written,
        'ids': ids(model, strings),
        'counts': [len(row) for row in model.tokenizer(strings)['input_ids']],
        'hidden': [{**row, 'states': files.matrix(row['states'])} for row in states],
        'cases': rows,
    }


def variant_golden(oracle: Oracle) -> dict:
    written = [*texts.SHORT[:1], '', *texts.SHORT[3:], 'ÜBER Straße Hello WORLD', *texts.NASTY[15:17], {'text': 'a ', 'times': 30}, {'text': texts.PASSAGE, 'times': 2}]
    strings = [texts.expand(text) for text in written]
    rows = []
    for case in cases.all_cases(MODELS):
        model = oracle.open(case['recipe'])
        vectors = oracle.encode(model, strings, case['method'], case['options'])
        assert np.isfinite(vectors).all(), case['name']
        tokens = {'prompt': prompt_of(model, case['options']) or '', 'ids': ids(model, strings, prompt_of(model, case['options']))} if case.pop('tokens') else {}
        rows.append({**case, **tokens, 'vectors': files.matrix(vectors)})
    return {'made': files.header(SCRIPT), 'texts': written, 'cases': rows}


def precision_golden(oracle: Oracle) -> dict:
    strings = [texts.expand(text) for text in texts.tiny()]
    vectors = oracle.encode(oracle.open({'base': 'bert'}), strings)
    random = np.random.RandomState(0)
    calibration = (random.standard_normal((40, vectors.shape[1])) * vectors.std(0) + vectors.mean(0)).astype(np.float32)
    ranges = np.stack([vectors.min(0) + 0.05, vectors.max(0) - 0.05]).astype(np.float32)  # some values lie outside: they are clipped
    ranges[:, 3] = ranges[0, 3]  # a dimension without extent
    rows = []
    for precision in ('int8', 'uint8'):
        for name, given in (('ranges', {'ranges': ranges}), ('calibration', {'calibration_embeddings': calibration})):
            given, values = verify.away_from_steps(vectors, precision, given)
            rows.append({'precision': precision, name: files.matrix(next(iter(given.values()))), 'values': files.matrix(values)})
    for precision in ('binary', 'ubinary'):
        assert np.abs(vectors).min() > 1e-5
        rows.append({'precision': precision, 'values': files.matrix(quantize_embeddings(vectors, precision=precision))})
    # 10 dimensions: the last byte is padded.
    rows += [
        {'precision': precision, 'truncateDim': 10, 'values': files.matrix(quantize_embeddings(vectors[:, :10], precision=precision))}
        for precision in ('binary', 'ubinary')
    ]
    return {'made': files.header(SCRIPT), 'base': 'bert', 'texts': texts.tiny(), 'vectors': files.matrix(vectors), 'cases': rows}


def similarity_golden(oracle: Oracle) -> dict:
    strings = [texts.expand(text) for text in texts.tiny()]
    vectors = oracle.encode(oracle.open({'base': 'bert'}), strings)
    a, b = vectors[:7], vectors[7:18]
    measures = ('cosine', 'dot', 'euclidean', 'manhattan')
    rows = [{'name': name, 'scores': files.matrix(SimilarityFunction.to_similarity_fn(name)(a, b))} for name in measures]
    return {'made': files.header(SCRIPT), 'base': 'bert', 'a': files.matrix(a), 'b': files.matrix(b), 'cases': rows}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--models', action='store_true', help='make test/fixtures/models and test/fixtures/overlays again')
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    if arguments.parse_args().models:
        make_models()
    oracle = Oracle(FIXTURES)
    for family in families.FAMILIES:
        files.write(OUT / f'{family}.json', family_golden(oracle, family))
    files.write(OUT / 'variants.json', variant_golden(oracle))
    files.write(OUT / 'precision.json', precision_golden(oracle))
    files.write(OUT / 'similarity.json', similarity_golden(oracle))


if __name__ == '__main__':
    main()
