"""What the goldens are made of. A text too long to write down is { text, times }: the string repeated."""

SHORT = ['hello', 'A', 'good morning', 'How are you?', 'The quick brown fox jumps over the lazy dog.']
BLANK = ['', ' ', '\n\t  \r\n']

# Each is a way in which tokenizers have gone wrong: folding, scripts without spaces, surrogate pairs, invisible characters, look-alike marks.
NASTY = [
    'Ünïcödé façade naïve Ångström ẞ ß',
    'e\u0301 a\u0308 n\u0303 o\u0302\u0323',  # combining marks, decomposed
    '中文测试 日本語テスト 한국어',
    '漢字kanji混ぜmix123',
    '😀 👩‍👩‍👧‍👦 🇩🇪 👍🏽 x😀y',
    'ﬁle ﬂow ﬃ Ǆ ㎏ ½ ①',
    'tab\there null\x00 bell\x07 del\x7f esc\x1b[0m',
    'zero\u200bwidth soft\u00adhyphen joiner\u200d nbsp\u00a0narrow\u202f bom\ufeff',
    'שלום עולם مرحبا بالعالم \u202eright to left\u202c',
    'नमस्ते สวัสดี ខ្មែរ',
    'İstanbul ıI ŞŞ ΑΣ σς',
    'replacement \ufffd private \ue000 last \U0010ffff',
    "don't can't l'été \u2018quoted\u2019 \u201cdouble\u201d \u2014 dash\u2026",
    'http://example.com/a_b?c=d&e=%20#f user@example.org',
    '1,234,567.89 3.14e-10 0x1F600 ٣٤٥',
    '[CLS] [SEP] [MASK] [PAD] [UNK]',
    '<s> </s> <mask> <pad> <unk>',
    'a<pad>b [PAD]c',
    '##ing ##s Ġhello ▁world',
    '  leading, trailing  and   inner   spaces  ',
    'line one\nline two\r\nline three\u2028line four\u0085line five',
    'ALLCAPS MiXeD CaSe lower',
    '...!!!???;;;:::---___',
    'C++ C# f(x)=x^2 {"key": [1, 2, null]} <b>bold</b> $5 €7 £9 100%',
]
UNDERSCORES = {'text': '_', 'times': 10000}
LONG_WORD = {'text': 'pneumonoultramicroscopic', 'times': 40}

PASSAGE = (
    'A river is a natural flowing watercourse, usually freshwater, flowing towards an ocean, a lake, a sea, or another river. '
    'In some cases a river flows into the ground and becomes dry before it reaches another body of water. '
)


def expand(text) -> str:
    return text if isinstance(text, str) else text['text'] * text['times']


def tiny() -> list:
    """For the tiny models: lengths on both sides of 8, 16, 32 and 64 tokens, where vector kernels have their tails; nasty ones; cut ones."""
    ladder = [{'text': 'a ', 'times': n} for n in (5, 6, 7, 13, 14, 15, 29, 30, 31, 45)]
    chosen = [NASTY[i] for i in (0, 2, 4, 6, 8, 15, 16, 17)]
    return [*SHORT, *BLANK, *chosen, PASSAGE.strip(), *ladder, {'text': PASSAGE, 'times': 4}, {'text': '_', 'times': 300}]
