/**
 * Fuzzes tokenizer.json: changed copies of the fixtures are opened and used in child processes, which must neither die, nor hang, nor reject
 * with anything but a SentorchError.
 *
 *     node scripts/check-long/tokenizer-json.mjs [COUNT] [SEED]
 *
 * Needs `npm run build`. Prints each failure (the file stays below the temporary folder) and one line at the end; exit code 1 after a failure.
 */
import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomFrom } from '../support/random.mjs'

const HERE = fileURLToPath(import.meta.url)
const ROOT = join(HERE, '..', '..', '..')
const FIXTURES = join(ROOT, 'test', 'fixtures', 'tokenizers')
const BASES = ['bert', 'mpnet', 'roberta', 'xlm-roberta', 'camembert', 'herbert']
const LIMIT_MS = 20_000
const BATCH = 100

const PATTERNS = [
  ...['', 'a', ' ', '▁', 'aa', '\0', '\u{1f600}'].map((text) => ({ String: text })),
  ...['', ' {2,}', '\\s+', '\\p{L}+', '(a+)+$', 'a*', 'a|', '(', '[^a]', '.', 'a{0,99}b', '(?:a|b)?c+', '\\s+(?!\\S)|\\s+'].map((text) => ({
    Regex: text,
  })),
  {},
  'a',
]
const TEXTS = [
  '',
  ' ',
  'the quick brown fox',
  'a'.repeat(3000) + 'b',
  ' '.repeat(3000) + 'x',
  'é\u0301\ufdfa 中文😀\0\ufffd ' + 'ab '.repeat(200),
  '<mask> [MASK] </s> ▁Ġ##',
]

function makers(random) {
  const one = (list) => list[random(list.length)]
  const content = () => one(['', 'a', 'aa', ' ', '▁', 'x'.repeat(40), '\ufdfa', 'İ', 'é'])
  const many = (make) => Array.from({ length: one([0, 1, 2, 3, 8, 40]) }, make)
  const flag = () => one([true, false])
  const normalizer = (depth = 0) =>
    one([
      () => ({ type: one(['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents', 'Nmt', 'ByteLevel', 'Nothing']) }),
      () => ({ type: 'Strip', strip_left: flag(), strip_right: flag() }),
      () => ({ type: 'Replace', pattern: one(PATTERNS), content: content() }),
      () => ({ type: 'Prepend', prepend: content() }),
      () => ({
        type: 'BertNormalizer',
        clean_text: flag(),
        handle_chinese_chars: flag(),
        strip_accents: one([null, true, false]),
        lowercase: flag(),
      }),
      () => ({ type: 'Precompiled', precompiled_charsmap: Buffer.from(many(() => random(256))).toString('base64') }),
      () => ({ type: 'Sequence', normalizers: depth > 3 ? [] : many(() => normalizer(depth + 1)) }),
      () => ({ pattern: one(PATTERNS), content: content() }),
    ])()
  const preTokenizer = (depth = 0) =>
    one([
      () => ({ type: one(['BertPreTokenizer', 'Whitespace', 'WhitespaceSplit', 'UnicodeScripts']) }),
      () => ({ type: 'ByteLevel', add_prefix_space: flag(), trim_offsets: flag(), use_regex: flag() }),
      () => ({ type: 'Metaspace', replacement: one(['▁', '_', 'é']), prepend_scheme: one(['always', 'never', 'first']), split: flag() }),
      () => ({
        type: 'Split',
        pattern: one(PATTERNS),
        behavior: one(['Isolated', 'Removed', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']),
        invert: flag(),
      }),
      () => ({ type: 'Punctuation', behavior: one(['Isolated', 'Removed', 'Contiguous']) }),
      () => ({ type: 'Digits', individual_digits: flag() }),
      () => ({ type: 'CharDelimiterSplit', delimiter: one(['a', ' ', '\0']) }),
      () => ({ type: 'FixedLength', length: one([0, 1, 5, -1]) }),
      () => ({ type: 'Sequence', pretokenizers: depth > 3 ? [] : many(() => preTokenizer(depth + 1)) }),
    ])()
  const added = () => ({
    id: one([0, 1, 5, 900, 4000, 2 ** 32 - 1, -1]),
    content: one(['', ' ', 'a', 'fox', '<mask>', 'the quick', '\0', 'x'.repeat(5000)]),
    ...{ single_word: flag(), lstrip: flag(), rstrip: flag(), normalized: flag(), special: flag() },
  })
  const junk = () =>
    one([null, true, 0, -1, 0.5, 2 ** 32, 1e300, '', 'a', '[UNK]', [], {}, [[]], ['a', 'a'], { type: 'Sequence' }, 'x'.repeat(3000)])
  return { one, normalizer, preTokenizer, added, junk, flag }
}

/** Of JSON. */
const clone = (value) => value && JSON.parse(JSON.stringify(value))

/** Every object and array of a document with the keys under which something lies; of large ones a few. */
function places(value, found = []) {
  if (typeof value !== 'object' || value === null) return found
  const keys = Object.keys(value)
  for (const key of keys.length > 50 ? [...keys.slice(0, 5), ...keys.slice(-5)] : keys) {
    found.push([value, key])
    places(value[key], found)
  }
  return found
}

function change(document, random) {
  const { one, normalizer, preTokenizer, added, junk, flag } = makers(random)
  const { model } = document
  const tokens = Array.isArray(model?.vocab) ? model.vocab.map(([piece]) => piece) : Object.keys(model?.vocab ?? {})
  one([
    () => (document.normalizer = normalizer()),
    () => (document.pre_tokenizer = preTokenizer()),
    () => (document.added_tokens = [...(document.added_tokens ?? []), added(), added()]),
    () => {
      const [parent, key] = one(places(document))
      parent[key] = junk()
    },
    () => {
      const [parent, key] = one(places(document))
      delete parent[key]
    },
    () => {
      const [[parent, key], [from, other]] = [one(places(document)), one(places(document))]
      parent[key] = clone(from[other])
    },
    () =>
      Object.assign(model, {
        [one(['continuing_subword_prefix', 'end_of_word_suffix', 'unk_token'])]: one(['', '##', '</w>', 'a', 'none', null]),
      }),
    () => Object.assign(model, { [one(['byte_fallback', 'fuse_unk', 'ignore_merges'])]: flag() }),
    () =>
      Object.assign(model, {
        max_input_chars_per_word: one([0, 1, 256, 257, 1e9, -1]),
        unk_id: one([0, 3, 1e9, null, -1]),
        dropout: one([null, 0, 0.5, 1, 2]),
      }),
    () => {
      if (Array.isArray(model.vocab))
        model.vocab = [...model.vocab, ['', one([0, -1, 1e300, -1e300])], ['y'.repeat(one([1, 1999, 50_000])), -3]]
      else model.vocab = { ...model.vocab, '': one([0, 1, 4000]), [one(tokens) ?? 'a']: one([0, 7, 2 ** 32]) }
    },
    () => {
      if (Array.isArray(model.vocab)) model.vocab = model.vocab.filter(() => random(3) > 0)
      else for (const token of tokens) if (random(3) === 0) delete model.vocab[token]
    },
    () => {
      if (Array.isArray(model.merges))
        model.merges.push([one(tokens) ?? 'a', one(tokens) ?? 'b'], ['', one(tokens) ?? 'a'], one(['a', 'a b c', ['a'], ['b', 'a']]))
    },
    () =>
      (document.post_processor = clone(
        one([
          document.post_processor,
          { type: 'Sequence', processors: [document.post_processor, document.post_processor] },
          { type: 'ByteLevel' },
        ]),
      )),
  ])()
}

/** The files of case `seed`: [name, content] pairs. */
function makeCase(seed) {
  const random = randomFrom(seed).below
  const base = join(FIXTURES, BASES[random(BASES.length)])
  const document = JSON.parse(readFileSync(join(base, 'tokenizer.json'), 'utf8'))
  const config = JSON.parse(readFileSync(join(base, 'tokenizer_config.json'), 'utf8'))
  for (let count = 1 + random(4); count > 0; count--) {
    try {
      change(document, random)
    } catch {
      // An earlier change removed what this one modifies.
    }
  }
  if (random(4) > 0) config.tokenizer_class = 'PreTrainedTokenizerFast'
  let text = JSON.stringify(document)
  if (random(10) === 0) text = text.slice(0, random(text.length))
  if (random(10) === 0) {
    const at = random(text.length)
    text = text.slice(0, at) + String.fromCharCode(random(128)) + text.slice(at + 1)
  }
  return [
    ['tokenizer.json', text],
    ['tokenizer_config.json', JSON.stringify(config)],
  ]
}

async function runCase(folder, Tokenizer) {
  const tokenizer = await Tokenizer.open(folder, { maxLength: 128, doLowerCase: false, config: { vocabSize: 5000, modelType: 'bert' } })
  for (const text of TEXTS) {
    await tokenizer.encode([text], 64)
    await tokenizer.encodeWhole([text])
  }
  tokenizer.dispose()
}

async function child(scratch) {
  const { Tokenizer } = createRequire(HERE)(join(ROOT, 'dist/tokenizer/tokenizer.js'))
  process.on('message', async (seed) => {
    const folder = join(scratch, String(seed))
    mkdirSync(folder)
    for (const [name, content] of makeCase(seed)) writeFileSync(join(folder, name), content)
    const failure = await runCase(folder, Tokenizer).catch((error) => error)
    const outcome =
      failure === undefined ? 'opened' : failure.name === 'SentorchError' && failure.code !== 'ERR_INTERNAL' ? failure.code : 'untyped'
    if (outcome !== 'untyped') rmSync(folder, { recursive: true })
    process.send({ outcome, message: outcome === 'untyped' ? String(failure?.stack) : '' })
  })
}

/** Where and why the library stopped. */
function panicOf(stderr) {
  return /panicked at [^\n]*\n[^\n]*/.exec(stderr)?.[0] ?? stderr.slice(-500)
}

/** Runs cases in one child until it fails or the batch is done. Resolves with the outcome of each. */
function batch(seeds, scratch) {
  return new Promise((resolve) => {
    const outcomes = []
    const worker = fork(HERE, ['--child', scratch], { silent: true })
    let last = ''
    let late = false
    let timer
    worker.stderr.on('data', (data) => (last += data))
    const next = () => {
      clearTimeout(timer)
      if (outcomes.length === seeds.length) return worker.disconnect()
      timer = setTimeout(() => ((late = true), worker.kill('SIGKILL')), LIMIT_MS)
      worker.send(seeds[outcomes.length])
    }
    worker.on('message', (outcome) => {
      outcomes.push(outcome)
      next()
    })
    worker.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (outcomes.length < seeds.length) {
        outcomes.push({
          outcome: late ? 'hang' : 'crash',
          message: late ? `longer than ${LIMIT_MS / 1000} s` : `exit ${code ?? signal}: ${panicOf(last)}`,
        })
      }
      resolve(outcomes)
    })
    next()
  })
}

async function main(count, seed) {
  const scratch = mkdtempSync(join(tmpdir(), 'sentorch-fuzz-tokenizer-'))
  const counts = {}
  const bad = ['untyped', 'hang', 'crash']
  for (let done = 0; done < count;) {
    const seeds = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => seed * 1_000_003 + done + i)
    const outcomes = await batch(seeds, scratch)
    outcomes.forEach(({ outcome, message }, i) => {
      counts[outcome] = (counts[outcome] ?? 0) + 1
      if (bad.includes(outcome)) console.log(`${outcome}: case ${seeds[i]}, ${join(scratch, String(seeds[i]))}\n${message}`)
    })
    done += outcomes.length
  }
  const failures = bad.reduce((sum, outcome) => sum + (counts[outcome] ?? 0), 0)
  if (failures === 0) rmSync(scratch, { recursive: true })
  const parts = Object.entries(counts).map(([outcome, times]) => `${times} ${outcome}`)
  console.log(`tokenizer.json: ${count} files from seed ${seed}: ${failures} failures (${parts.join(', ')})`)
  process.exitCode = failures > 0 ? 1 : 0
}

const [first, second] = process.argv.slice(2)
if (first === '--child') await child(second)
else await main(Number(first ?? 500), Number(second ?? 1))
