"""Makes test/fixtures/tokenizers/* and test/golden/{nasty-texts,tokenizer}.json.

Made with: python 3.11, tokenizers 0.23.3, transformers 5.23.0. Run from the repository's root: python scripts/make-tokenizer-fixtures.py
Each family is trained on the small text below and saved twice: <family>/ holds tokenizer.json, <family>-old/ the files that came before it.
"""

import itertools
import json
import shutil
import struct
import tempfile
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, BertTokenizer, MPNetTokenizer, RobertaTokenizer, XLMRobertaTokenizer

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "test" / "fixtures" / "tokenizers"
GOLDEN = ROOT / "test" / "golden"

TEXT = """
The quick brown fox jumps over the lazy dog. A model reads a sentence and returns a vector; two sentences that mean the same lie close together.
Searching is then a matter of distances: the nearest vectors win. Tokenizers cut words into pieces, unaffable becomes un, aff and able.
What is the capital of France? Paris is the capital and largest city of France. How do I reset my password? Click on the link in the mail.
Don't panic, it's only 42 degrees; we're fine, they'll come, I'd say. E-mail me at someone@example.com or call 555-0199 before 10:30.
Die Straße ist naß, über den Flüssen weht ein kühler Wind. Größe und Maß. Le café est déjà fermé, où est la bibliothèque? El niño comió piñas.
Съешь ещё этих мягких французских булок, да выпей чаю. Η γρήγορη καφέ αλεπού. Příliš žluťoučký kůň úpěl ďábelské ódy.
机器学习模型 把句子变成向量。 北京 是 中国 的 首都。 こんにちは 世界 カタカナ。 안녕하세요 세계 한국어 문장.
مرحبا بالعالم هذا نص عربي. שלום עולם. नमस्ते दुनिया. สวัสดีชาวโลก.
Nothing 123 4567 890 12.5 % of $99 & (brackets) [square] {curly} <angle> "quoted" 'single' a/b c\\d e_f g-h i=j k+l m*n #tag @name ~ ^ | `code`
running runner runs ran walking walked walks higher highest high lower lowest low newer newest new wider widest wide
""".strip()
LINES = TEXT.split("\n")

NASTY = {
    "empty": "",
    "space": " ",
    "white space": " \t\n\r\f\v\u00a0\u2003\u3000\u0085\u2028 ",
    "plain": "The quick brown fox jumps over the lazy dog.",
    "leading and trailing": "  leading and   inner    spaces  ",
    "tabs and newlines": "a\tb\nc\r\nd\r\n\r\ne",
    "accents": "Café déjà vu, naïve Ångström, ÀÉÎÕÜ ñ ç ø ł đ ß ẞ İ ı",
    "decomposed accents": "Cafe\u0301 de\u0301ja\u0300 n\u0303 a\u0308\u0323",
    "combining marks alone": "\u0301\u0308 \u0301a\u0301\u0302\u0303\u0304\u0305 x\u20dd",
    "zalgo": "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034dA\u036b\u0357\u0334\u0362",
    "cjk": "机器学习模型把句子变成向量。北京是中国的首都",
    "cjk rare": "𠀀𠮷野家 \uf900\u2f800 龘 㐀",
    "kana": "こんにちは世界 カタカナ ｶﾀｶﾅ ガ か\u3099",
    "hangul": "안녕하세요 세계",
    "hangul jamo": "\u1112\u1161\u11ab\u1100\u1173\u11af ㅎㅏㄴ",
    "emoji": "👍 😀😃 🇫🇷🇩🇪 👍🏽",
    "emoji zwj": "👨‍👩‍👧‍👦 family 🏳️‍🌈 flag 👩🏾‍🚀",
    "variation selectors": "❤️ ❤︎ ☺️ 葛󠄀 a\ufe0f",
    "ligatures": "ﬁne ﬂow oﬃce ﬀ ﬆ Ǆ ĳ ﷺ",
    "full width": "ＡＢＣ　ａｂｃ　１２３！？",
    "compatibility": "① ½ ㎏ ℡ ™ ℌ ² ₂ Ⅷ",
    "controls": "a\u0001b\u0007c\u001bd\u007fe\u0080f\u009fg",
    "nul": "before\u0000after \u0000 end",
    "format characters": "soft\u00adhyphen zero\u200bwidth \u200cnon\u200djoin \ufeffbom \u2060wj",
    "replacement": "bad \ufffd byte \ufffd\ufffd",
    "noncharacters": "\ufdd0 \ufffe \uffff \U0001ffff",
    "private use": "\ue000\uf8ff\U000f0000",
    "rtl": "مرحبا بالعالم שלום עולם",
    "rtl marks": "\u202bمرحبا\u202c abc \u200fשלום\u200e \u2067x\u2069",
    "arabic diacritics": "مَرْحَبًا بِالعَالَمِ",
    "hebrew points": "שָׁלוֹם",
    "devanagari": "नमस्ते दुनिया क्षत्रिय",
    "thai": "สวัสดีชาวโลก น้ำ",
    "greek": "ΟΔΥΣΣΕΥΣ Ὀδυσσεύς ς σ Σ",
    "turkish": "İstanbul ISPARTA ıspanak Iğdır",
    "german": "STRASSE Straße GROẞ",
    "russian": "Съешь ещё этих мягких булок",
    "czech": "Příliš žluťoučký kůň",
    "vietnamese": "Tiếng Việt rất đẹp",
    "punctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "unicode punctuation": "“quoted” ‘single’ «guillemets» — – … ¿qué? ¡sí! 、。「」",
    "symbols": "± × ÷ ≤ ≥ ∑ √ ∞ € £ ¥ © ® °",
    "contractions": "don't can't it's we're they'll I'd I've I'm 'tis O'Neil's rock'n'roll DON'T",
    "numbers": "3.14159 1,000,000 -42 0x1F 1e10 ٣٤٥ १२३",
    "url": "https://example.com/path?q=1&r=%20#frag user@example.com",
    "code": "if (a[i] != b->c) { return *p++; } // comment_with_underscores",
    "mixed": "abc机def器123中αβγ",
    "case": "lower UPPER Title cAmElCaSe SHOUTING!!!",
    "bert specials": "[CLS] a [SEP] b [PAD] [MASK] [UNK] [cls] [sep] [Mask]",
    "bert specials glued": "a[SEP]b[MASK]c[CLS][CLS] [ MASK ]  [MASK]  x",
    "roberta specials": "<s> a </s> b <pad> <mask> <unk> <S> </S> <MASK>",
    "roberta specials glued": "a<s>b</s>c<mask>d  <mask>  e<pad><pad> <mask>",
    "metaspace": "▁already ▁ ▁▁ marked a▁b",
    "byte-level letters": "Ġspace Ċnewline âĢĵ ÃÂ",
    "wordpiece marks": "## ##ing un##aff a ##b",
    "underscores": "_" * 10000,
    "long word": "a" * 10000,
    "word of 100": "b" * 100,
    "word of 101": "b" * 101,
    "long mixed word": "Supercalifragilisticexpialidocious" * 30,
    "no spaces": "the,quick;brown:fox/jumps.over" * 40,
    "dashes": "-" * 500 + "=" * 500 + "." * 500,
    "long text": "The quick brown fox jumps over the lazy dog, doesn't it? " * 60,
    "long cjk": "机器学习模型把句子变成向量。" * 60,
    "long emoji": "👨‍👩‍👧 " * 200,
    "spaces": "a" + " " * 1000 + "b",
    "newlines": "a" + "\n" * 300 + "b",
}

# A stand-in for sentencepiece's nmt_nfkc table, which is too large for a fixture: the kinds of rule that it holds.
CHARSMAP = {
    **{chr(c): " " for c in (0x09, 0x0A, 0x0D, 0xA0, 0x2003, 0x2028, 0x3000, 0x200B)},
    **{chr(c): "" for c in (0x01, 0x07, 0x1B, 0x7F, 0xAD, 0xFEFF)},
    **{chr(0xFF01 + i): chr(0x21 + i) for i in range(94)},
    "ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff", "ﬃ": "ffi", "①": "1", "½": "1⁄2", "㎏": "kg", "™": "TM", "²": "2", "Ⅷ": "VIII", "ﷺ": "صلى الله عليه وسلم",
    "e\u0301": "é", "a\u0300": "à", "n\u0303": "ñ", "か\u3099": "が", "\u1112\u1161\u11ab": "한", "\u1100\u1173\u11af": "글",
}


def precompiled_charsmap(rules):
    """The table as sentencepiece stores it: size of a darts-clone double array, the array, then the NUL-terminated replacements."""
    blob, values = b"", {}
    for key, replacement in rules.items():
        values[key.encode()] = len(blob)
        blob += replacement.encode() + b"\0"
    root = {}
    for key, value in values.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[None] = value
    units, used, bases = [0] * 256, {0}, set()

    def place(node, position):
        labels = sorted((0 if label is None else label) for label in node)
        base = 1
        while base in bases or any((base ^ label) in used for label in labels):
            base += 1
        bases.add(base)
        while len(units) <= base | 0xFF:
            units.extend([0] * 256)
        used.update(base ^ label for label in labels)
        units[position] |= (position ^ base) << 10 | (0x100 if None in node else 0)
        for label, child in node.items():
            if label is None:
                units[base] = 0x80000000 | child
            else:
                units[base ^ label] = label
                place(child, base ^ label)

    place(root, 0)
    array = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(array)) + array + blob


def wordpiece_vocab(specials, lowercase, size):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(LINES, trainers.WordPieceTrainer(vocab_size=size, special_tokens=specials, show_progress=False))
    return tokenizer.get_vocab()


def write_vocab_txt(folder, vocab):
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in sorted(vocab, key=vocab.get)), encoding="utf-8")


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def fresh(name):
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def compact(folder):
    file = folder / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")), ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def save(name, tokenizer):
    folder = fresh(name)
    tokenizer.save_pretrained(folder)
    compact(folder)


def make_bert():
    for name, lowercase in (("bert", True), ("distilbert", True), ("bert-cased", False)):
        vocab = wordpiece_vocab(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], lowercase, 900)
        save(name, BertTokenizer(vocab=vocab, do_lower_case=lowercase, model_max_length=128))
        if name == "distilbert":
            continue
        old = fresh(f"{name}-old")
        write_vocab_txt(old, vocab)
        write_json(old / "tokenizer_config.json", {"do_lower_case": lowercase})
    # Padding and truncation stored in the file, as all-MiniLM-L6-v2 has them.
    document = json.loads((FIXTURES / "bert" / "tokenizer.json").read_text(encoding="utf-8"))
    document["truncation"] = {"max_length": 16, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    document["padding"] = {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    (FIXTURES / "bert" / "tokenizer.json").write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def make_mpnet():
    vocab = wordpiece_vocab(["<s>", "<pad>", "</s>", "[UNK]"], True, 900)
    vocab["<mask>"] = len(vocab)
    save("mpnet", MPNetTokenizer(vocab=vocab, model_max_length=128))
    old = fresh("mpnet-old")
    write_vocab_txt(old, vocab)
    write_json(old / "tokenizer_config.json", {"do_lower_case": True, "tokenizer_class": "MPNetTokenizer"})


def make_roberta():
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(
        LINES,
        trainers.BpeTrainer(
            vocab_size=900,
            special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    save("roberta", RobertaTokenizer(vocab=model["vocab"], merges=merges, model_max_length=128))
    old = fresh("roberta-old")
    (old / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False) + "\n", encoding="utf-8")
    (old / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")
    mask = {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}
    write_json(
        old / "special_tokens_map.json",
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>", "mask_token": mask},
    )
    write_json(old / "tokenizer_config.json", {"add_prefix_space": True, "model_max_length": 128, "tokenizer_class": "RobertaTokenizer"})


def make_xlm_roberta():
    charsmap = precompiled_charsmap(CHARSMAP)
    trained = Tokenizer(models.Unigram())
    trained.normalizer = normalizers.Precompiled(charsmap)
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(
        LINES,
        trainers.UnigramTrainer(vocab_size=900, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False),
    )
    vocab = [(piece, score) for piece, score in json.loads(trained.to_str())["model"]["vocab"]] + [("<mask>", 0.0)]
    save("xlm-roberta", XLMRobertaTokenizer(vocab=vocab, _spm_precompiled_charsmap=charsmap, model_max_length=128))


def variants():
    """Folders that only a test needs: a fixture with some of its settings changed."""
    cased = json.loads((FIXTURES / "bert-cased" / "tokenizer_config.json").read_text(encoding="utf-8"))
    yield "bert cased, chinese kept", "bert-cased-old", {"tokenizer_config.json": {"do_lower_case": False, "tokenize_chinese_chars": False}}
    yield "bert lower-cased, accents kept", "bert-old", {"tokenizer_config.json": {"do_lower_case": True, "strip_accents": False}}
    yield "bert, config against tokenizer.json", "bert-cased", {"tokenizer_config.json": {**cased, "do_lower_case": True}}
    yield "bert without a config", "bert-old", {"tokenizer_config.json": None}
    yield "bert, tokens added", "bert-old", {"added_tokens.json": {"foxes": 5000, "brown fox": 5001}}
    yield "roberta without settings", "roberta-old", {"tokenizer_config.json": None, "special_tokens_map.json": None}


def runs(ids):
    """Ids with each stretch of four or more equal ones as [id, count]."""
    result = []
    for id, group in itertools.groupby(ids):
        count = len(list(group))
        result.extend([[id, count]] if count >= 4 else [id] * count)
    return result


def goldens():
    names = ["bert", "bert-old", "bert-cased", "bert-cased-old", "distilbert", "mpnet", "mpnet-old", "roberta", "roberta-old", "xlm-roberta"]
    cases = [(name, name, {}) for name in names] + list(variants())
    model_types = {"bert": "bert", "distilbert": "distilbert", "mpnet": "mpnet", "roberta": "roberta", "xlm": "xlm-roberta"}
    result = []
    for title, fixture, files in cases:
        model_type = model_types[fixture.split("-")[0]]
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(FIXTURES / fixture, folder, dirs_exist_ok=True)
            for file, content in files.items():
                if content is None:
                    (Path(folder) / file).unlink()
                else:
                    write_json(Path(folder) / file, content)
            write_json(Path(folder) / "config.json", {"model_type": model_type})
            tokenizer = AutoTokenizer.from_pretrained(folder)
            tokenizer.model_max_length = 1 << 30
            ids = {key: runs(tokenizer(text)["input_ids"]) for key, text in NASTY.items()}
            cut = {str(n): {key: tokenizer(text, truncation=True, max_length=n)["input_ids"] for key, text in NASTY.items()} for n in (2, 3, 12)}
        result.append({
            "name": title, "fixture": fixture, "files": files, "modelType": model_type, "vocabSize": len(tokenizer), "ids": ids, "cut": cut,
        })
    return result


def main():
    make_bert()
    make_mpnet()
    make_roberta()
    make_xlm_roberta()
    write_json(GOLDEN / "nasty-texts.json", NASTY)
    (GOLDEN / "tokenizer.json").write_text(json.dumps(goldens(), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
