"""Makes test/fixtures/tokenizers/{camembert,herbert} and test/golden/tokenizer-classes.json.

Made with: python 3.11, tokenizers 0.23.3, transformers 5.24.0. Run from the repository's root: python scripts/make-tokenizer-classes.py
For every model type that sentorch supports and every tokenizer class that a folder may name, digests of the ids that AutoTokenizer gives
for the texts of test/golden/nasty-texts.json. Needs the fixtures of make-tokenizer-fixtures.py; run it after that one.
"""

import hashlib
import importlib.util
import json
import shutil
import tempfile
from pathlib import Path

import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, CamembertTokenizer, HerbertTokenizer, TokenizersBackend
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES, tokenizer_class_from_name

spec = importlib.util.spec_from_file_location("fixtures", Path(__file__).with_name("make-tokenizer-fixtures.py"))
base = importlib.util.module_from_spec(spec)
spec.loader.exec_module(base)
NASTY = json.loads((base.GOLDEN / "nasty-texts.json").read_text(encoding="utf-8"))

FIXTURES = {
    "BertTokenizer": "bert",
    "DistilBertTokenizer": "distilbert",
    "MPNetTokenizer": "mpnet",
    "RobertaTokenizer": "roberta",
    "XLMRobertaTokenizer": "xlm-roberta",
    "CamembertTokenizer": "camembert",
    "HerbertTokenizer": "herbert",
}
DEFAULTS = {
    "bert": "BertTokenizer",
    "distilbert": "DistilBertTokenizer",
    "mpnet": "MPNetTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
}
SAME = ["ElectraTokenizer", "LayoutLMTokenizer", "SqueezeBertTokenizer", "MobileBertTokenizer", "LxmertTokenizer"]
SAME_AS_ROBERTA = ["BartTokenizer", "LEDTokenizer", "LongformerTokenizer", "MvpTokenizer"]
GENERIC = ["PreTrainedTokenizerFast", "PreTrainedTokenizer", "TokenizersBackend", "NoSuchTokenizer"]


def make_camembert():
    """XLM-RoBERTa's pieces after CamemBERT's special tokens."""
    document = json.loads((base.FIXTURES / "xlm-roberta" / "tokenizer.json").read_text(encoding="utf-8"))
    pieces = [(piece, score) for piece, score in document["model"]["vocab"] if piece not in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")]
    first = [("<s>NOTUSED", 0.0), ("<pad>", 0.0), ("</s>NOTUSED", 0.0), ("<unk>", 0.0), ("<unk>NOTUSED", -100.0), ("<s>", 0.0), ("</s>", 0.0)]
    charsmap = base.precompiled_charsmap(base.CHARSMAP)
    vocab = first + pieces + [("<mask>", 0.0)]
    base.save("camembert", CamembertTokenizer(vocab=vocab, _spm_precompiled_charsmap=charsmap, model_max_length=128))


def make_herbert():
    trained = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    trained.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(
        base.LINES, trainers.BpeTrainer(vocab_size=900, special_tokens=specials, end_of_word_suffix="</w>", show_progress=False)
    )
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    base.save("herbert", HerbertTokenizer(vocab=model["vocab"], merges=merges, model_max_length=128))


def odd(fixture):
    """Changes to a tokenizer.json by which a class that makes its parts anew is told from one that reads them."""
    document = json.loads((base.FIXTURES / fixture / "tokenizer.json").read_text(encoding="utf-8"))
    kind = document["model"]["type"]
    steps = [{"type": "Lowercase"}, {"type": "Replace", "pattern": {"String": "o"}, "content": "e"}]
    if kind == "Unigram":
        steps.append(document["normalizer"])
    last = max(document["model"]["vocab"].values()) if isinstance(document["model"]["vocab"], dict) else len(document["model"]["vocab"]) - 1
    return {
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True} if kind == "BPE" else {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "last", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"last": {"id": "last", "ids": [last], "tokens": ["last"]}},
        },
        "model": {"Unigram": {"unk_id": 1}, "WordPiece": {"max_input_chars_per_word": 5}, "BPE": {"unk_token": "<unk>"}}[kind],
    }


def settings(fixture, **changes):
    config = json.loads((base.FIXTURES / fixture / "tokenizer_config.json").read_text(encoding="utf-8"))
    config.update(changes)
    return {key: value for key, value in config.items() if value is not None}


def cases():
    """(name, fixture, model type, files, patch of tokenizer.json)"""
    names = [name for known in FIXTURES for name in (known, known + "Fast")]
    for model_type, default in DEFAULTS.items():
        for name in names:
            fixture = FIXTURES[name.removesuffix("Fast")]
            yield f"{model_type}: {name}", fixture, model_type, {"tokenizer_config.json": settings(fixture, tokenizer_class=name)}, {}
        fixture = FIXTURES[default]
        bare = settings(fixture, tokenizer_class=None)
        yield f"{model_type}: none named", fixture, model_type, {"tokenizer_config.json": bare}, {}
        yield f"{model_type}: none named, empty", fixture, model_type, {"tokenizer_config.json": {}}, odd(fixture)
        for name in (default, default + "Fast", None, *GENERIC):
            yield f"{model_type}: {name}, odd file", fixture, model_type, {"tokenizer_config.json": settings(fixture, tokenizer_class=name)}, odd(fixture)
        yield f"{model_type}: named in config.json", fixture, model_type, {"tokenizer_config.json": bare, "config.json": {"tokenizer_class": default}}, odd(fixture)
    for names, fixture, model_type in ((SAME, "bert", "bert"), (SAME_AS_ROBERTA, "roberta", "roberta"), (["HerbertTokenizer"], "herbert", "bert")):
        for name in names:
            yield f"{model_type}: {name}, odd file", fixture, model_type, {"tokenizer_config.json": settings(fixture, tokenizer_class=name)}, odd(fixture)
    yield from variants()


def variants():
    def of(fixture, title, **changes):
        yield f"{fixture}: {title}", fixture, fixture, {"tokenizer_config.json": settings(fixture, **changes)}, odd(fixture)

    yield from of("camembert", "no prefix space", add_prefix_space=False)
    yield from of("camembert", "additional tokens of its own", added_tokens_decoder=None, additional_special_tokens=["<s>NOTUSED"], extra_special_tokens=None)
    yield from of("camembert", "an empty list of extra tokens", added_tokens_decoder=None, extra_special_tokens=[])
    yield from of("camembert", "an empty table of extra tokens", added_tokens_decoder=None, extra_special_tokens={})
    yield from of("camembert", "another unknown token", unk_token="<unk>NOTUSED")
    yield from of("camembert", "another unknown token, not there", unk_token="<gone>")
    yield from of("bert", "an empty table of extra tokens and a list of additional ones", extra_special_tokens={}, additional_special_tokens=["fox"])
    yield from of("bert", "both lists", extra_special_tokens=["fox"], additional_special_tokens=["dog"])
    yield from of("bert", "a token under a name of its own", fox_token="fox")
    yield from of("roberta", "prefix space", add_prefix_space=True)
    yield from of("xlm-roberta", "no prefix space", add_prefix_space=False)
    added = json.loads((base.FIXTURES / "roberta" / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    decoder = {str(token.pop("id")): token for token in added if token["content"] != "<mask>"}
    flags = {"content": "<mask>", "lstrip": False, "rstrip": True, "single_word": True, "normalized": False, "__type": "AddedToken"}
    yield from of("roberta", "as it is, other flags of the mask token", tokenizer_class="PreTrainedTokenizerFast", mask_token=flags)
    yield from of(
        "roberta", "as it is, other flags of the mask token and a list without it",
        tokenizer_class="PreTrainedTokenizerFast", added_tokens_decoder=decoder, mask_token=flags,
    )


def digest(ids):
    return hashlib.sha1(",".join(map(str, ids)).encode()).hexdigest()[:8]


def golden():
    known, result = {}, []
    for name, fixture, model_type, files, patch in cases():
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(base.FIXTURES / fixture, folder, dirs_exist_ok=True)
            config = {"model_type": model_type, **files.get("config.json", {})}
            for file, content in {**files, "config.json": config}.items():
                base.write_json(Path(folder) / file, content)
            path = Path(folder) / "tokenizer.json"
            document = json.loads(path.read_text(encoding="utf-8"))
            document.update({key: {**document["model"], **value} if key == "model" else value for key, value in patch.items()})
            base.write_json(path, document)
            tokenizer = AutoTokenizer.from_pretrained(folder)
            tokenizer.model_max_length = 1 << 30
            digests = json.dumps([digest(tokenizer(text)["input_ids"]) for text in NASTY.values()])
        result.append({
            "name": name,
            "fixture": fixture,
            "modelType": model_type,
            "files": {**files, "config.json": config},
            "odd": patch != {},
            "vocabSize": len(tokenizer),
            "digests": known.setdefault(digests, len(known)),
        })
    return {"cases": result, "digests": [json.loads(digests) for digests in known], "odd": {fixture: odd(fixture) for fixture in FIXTURES.values()}, "classes": classes()}


def classes():
    """What transformers makes of each tokenizer class that it has, by its name without `Fast`."""
    names = {name for name in dir(transformers) if name.endswith(("Tokenizer", "TokenizerFast"))} | {*TOKENIZER_MAPPING_NAMES.values(), *SAME, *SAME_AS_ROBERTA}
    result = {}
    for name in sorted(name.removesuffix("Fast") for name in names if name and name != "AutoTokenizer"):
        found = tokenizer_class_from_name(name)
        if found is None or found.__module__.endswith("bert_legacy") and found.__name__ == "BasicTokenizer":
            continue
        if name in ("CharacterTokenizer", "MecabTokenizer", "WordpieceTokenizer", "MistralCommonBackend"):
            continue
        generic = found is TokenizersBackend or found.__name__ in ("PythonBackend",)
        fast = isinstance(found, type) and hasattr(found, "mro") and issubclass(found, TokenizersBackend)
        known = "BertTokenizer" if found.__name__ == "DistilBertTokenizer" else found.__name__
        result[name] = "generic" if generic else known if known in FIXTURES else "other" if fast else "python"
    return result


def main():
    make_camembert()
    make_herbert()
    (base.GOLDEN / "tokenizer-classes.json").write_text(json.dumps(golden(), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
