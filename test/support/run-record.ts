import type { RunRecord } from '../../lib'

/** What an attacker, or a careless data set, writes into labels and texts. */
export const HOSTILE = {
  script: '<script>document.title = "run"</script>',
  image: '"><img src=x onerror="document.title=\'run\'">',
  style: '</style><style>body{display:none}',
  entity: '&lt;b&gt; &amp; \' " `',
  comment: '<!-- --><![CDATA[',
  rtl: 'שלום עולם',
  override: 'abc\u202edef\u2069\u2066ghi',
  control: 'a\0b\x1bc\u009f\ud800',
  long: 'x'.repeat(10_000),
  prototype: '__proto__',
  empty: '',
}

/** A small record with every part; `names`: labels, texts and names in it. */
export function runRecord(names: readonly string[] = ['go', 'stop'], label = 'intent'): RunRecord {
  const [first, second = first] = names as [string, string?]
  const scores = names.map((name, i) => ({ label: name, precision: 0.5, recall: 0.25, f1: 1 / 3, support: i + 1 }))
  const shared = { epoch: 0, examples: 8, tokens: 80, seconds: 1, steps: 4, skippedSteps: 0, gradientNorm: 1 }
  const losses = (loss: number) => Object.fromEntries([[label, loss]])
  const evaluation = {
    loss: 0.5,
    losses: losses(0.5),
    metrics: Object.fromEntries([
      [label, { type: 'classification' as const, examples: 8, accuracy: 0.75, microF1: 0.75, macroF1: 0.7, labels: scores }],
    ]),
    score: 0.75,
    custom: {},
    examples: 8,
    tokens: 80,
    truncated: 0,
    seconds: 1,
  }
  const text = `${first} ${second}`
  return {
    version: 1,
    title: first,
    command: first,
    startedAt: '2026-01-02T03:04:05.000Z',
    seconds: 12.5,
    model: { name: first, commit: first, modelType: 'bert', layers: 2, dimension: 32, parameters: 1000, pooling: ['mean'] },
    heads: [],
    data: { train: [{ name: first, examples: 8, fingerprint: 'ab'.repeat(32) }], evaluate: null },
    history: [2, 1].map((loss, epoch) => ({
      ...shared,
      epoch,
      loss,
      losses: losses(loss),
      metrics: Object.fromEntries([[label, { accuracy: 0.5 }]]),
      learningRates: Object.fromEntries([[first, 1e-4]]),
      embeddingSimilarity: { before: 1, after: 0.9 },
    })),
    evaluations: [4, 8].map((step, epoch) => ({ epoch, step, value: 0.75, evaluation })),
    bestStep: 8,
    steps: 8,
    stopped: 'epochs',
    course: Array.from({ length: 8 }, (_, i) => ({
      step: i + 1,
      loss: 2 - i / 8,
      losses: losses(2 - i / 8),
      learningRates: Object.fromEntries([[first, 1e-4 * (1 - i / 8)]]),
    })),
    groups: names.map((name, i) => ({ name, parameters: 100, learningRate: 1e-4, trained: i === 0 ? [{ from: 0, to: 8 }] : [] })),
    details: [
      {
        head: label,
        unit: 'text',
        examples: 8,
        wrong: 2,
        counts: names.map((name) => ({ gold: name, predicted: first, count: 2 })),
        calibration: { expectedError: 0.1, maximumError: 0.2, bins: [{ from: 0.5, to: 1, count: 8, confidence: 0.9, accuracy: 0.75 }] },
        mistakes: names.map((name, example) => ({ example, text: name, confidence: 0.9, loss: 2, gold: [name], predicted: [first] })),
      },
      {
        head: `${label} words`,
        unit: 'word',
        examples: 8,
        wrong: 1,
        counts: names.map((name) => ({ gold: `B-${name}`, predicted: 'O', count: 1 })),
        calibration: null,
        mistakes: [
          {
            example: 3,
            text,
            confidence: null,
            loss: null,
            gold: [`B-${first}`],
            predicted: ['O'],
            entities: {
              gold: [{ start: 0, end: first.length, label: second }],
              predicted: [{ start: first.length + 1, end: text.length, label: first }],
            },
          },
        ],
      },
      {
        head: `${label} topics`,
        unit: 'label',
        examples: 8,
        wrong: 1,
        counts: names.flatMap((name) => [
          { label: name, gold: 'yes', predicted: 'no', count: 1 },
          { label: name, gold: 'no', predicted: 'no', count: 7 },
        ]),
        calibration: null,
        mistakes: [],
      },
    ],
    detailsStep: 8,
    similarity: { meanCosine: 0.9, texts: 2, pairs: [{ a: first, b: second, before: 0.2, after: 0.4 }] },
    recipe: {
      seed: 0,
      options: Object.fromEntries([[first, second]]),
      resolved: {},
      dataDependent: { learningRate: 1e-4, headLearningRate: 1e-3, batchSize: null, epochs: 2, warmupSteps: 1, chosen: ['epochs'] },
      fit: { epochs: 2 },
      versions: { sentorch: '0.1.0' },
      machine: { platform: 'linux-x64', device: 'cpu', threads: 2, dtype: 'float32' },
    },
  }
}
