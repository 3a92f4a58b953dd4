import { openFolder } from '../../lib/format/folder'
import { folderOf } from '../support/scratch'
import { safetensors } from '../support/safetensors'
import {
  CONFIGS,
  DENSE,
  encoderTensors,
  POOLING,
  sentenceFiles,
  TINY,
  tinyFiles,
  TRANSFORMER,
  type FamilyName,
  type Tensors,
} from '../support/tiny-folder'

const { hidden } = TINY

const INTENT = {
  name: 'intent',
  type: 'classification',
  labels: ['a', 'b', 'c'],
  hidden: [5],
  activation: 'tanh',
  inputDropout: 0,
  dropout: 0.2,
  pooling: null as string[] | null,
  multiLabel: false,
}
const SLOTS = { ...INTENT, name: 'slots', type: 'token-classification', labels: ['O', 'B-x'], hidden: [] }
const WEIGHTS: Tensors = {
  'intent.0.weight': { shape: [5, hidden] },
  'intent.0.bias': { shape: [5] },
  'intent.1.weight': { shape: [3, 5] },
  'intent.1.bias': { shape: [3] },
  'slots.0.weight': { dtype: 'F16', shape: [2, hidden] },
  'slots.0.bias': { dtype: 'BF16', shape: [2] },
}
const JSON_FILE = { format: 1, sentorch: '9.9.9', heads: [INTENT, SLOTS], training: { seed: 3 }, notes: ['careful'] }

const withHeads = (json: unknown = JSON_FILE, weights: Tensors = WEIGHTS): Record<string, unknown> => ({
  ...tinyFiles(),
  'sentorch.json': json,
  'heads.safetensors': safetensors(weights),
})
const changed = (change: Record<string, unknown>): unknown => ({ ...JSON_FILE, heads: [{ ...INTENT, ...change }, SLOTS] })

describe('sentorch.json and heads.safetensors', () => {
  test('give the heads back, in order, with the places of their weights', async () => {
    const { heads, training, notes, files } = await openFolder(folderOf(withHeads()))
    expect(heads.map(({ head }) => head)).toEqual([
      { ...INTENT, pooling: undefined },
      { ...SLOTS, pooling: undefined },
    ])
    expect(heads.map(({ layers }) => layers.map(({ weight, bias }) => [weight.name, weight.shape, weight.dtype, bias?.dtype, weight.file]))).toEqual([
      [['intent.0.weight', [5, hidden], 'F32', 'F32', 1], ['intent.1.weight', [3, 5], 'F32', 'F32', 1]],
      [['slots.0.weight', [2, hidden], 'F16', 'BF16', 1]],
    ]) // prettier-ignore
    expect(files[1]).toMatch(/heads\.safetensors$/)
    expect({ training, notes }).toEqual({ training: { seed: 3 }, notes: ['careful'] })
  })

  test('neither is there: no heads', async () => {
    expect((await openFolder(folderOf(tinyFiles()))).heads).toEqual([])
  })

  test('a head behind Dense modules and one with a pooling of its own', async () => {
    const files = sentenceFiles({
      modules: [TRANSFORMER, POOLING, DENSE],
      files: {
        '2_Dense/config.json': { in_features: hidden, out_features: 3, bias: false, activation_function: 'torch.nn.Tanh' },
        '2_Dense/model.safetensors': safetensors({ 'linear.weight': { shape: [3, hidden] } }),
        'sentorch.json': {
          format: 1,
          heads: [
            { ...INTENT, hidden: [] },
            { ...INTENT, name: 'own', hidden: [], pooling: ['cls', 'max'] },
          ],
        },
        'heads.safetensors': safetensors({
          'intent.0.weight': { shape: [3, 3] },
          'intent.0.bias': { shape: [3] },
          'own.0.weight': { shape: [3, 2 * hidden] },
          'own.0.bias': { shape: [3] },
        }),
      },
    })
    expect((await openFolder(folderOf(files))).heads.map(({ head }) => head.pooling)).toEqual([undefined, ['cls', 'max']])
  })

  test.each<[string, unknown, string, RegExp]>([
    ['no object', [], 'ERR_MODEL_FORMAT', /a JSON object in sentorch\.json/],
    ['no format', { heads: [] }, 'ERR_MODEL_FORMAT', /for format in sentorch\.json/],
    ['a broken format', { ...JSON_FILE, format: '1' }, 'ERR_MODEL_FORMAT', /for format/],
    ['a newer format', { ...JSON_FILE, format: 2 }, 'ERR_MODEL_UNSUPPORTED', /format is 2 in sentorch\.json.*update/],
    [
      'a key that is not known',
      { ...JSON_FILE, more: 1 },
      'ERR_MODEL_UNSUPPORTED',
      /more is 1.*unknown \(known settings are format, sentorch, heads/,
    ],
    ['a key that is near a known one', { ...JSON_FILE, head: [] }, 'ERR_MODEL_UNSUPPORTED', /unknown \(did you mean 'heads'\?\)/],
    [
      'a key of a head that is near a known one',
      changed({ labelz: [] }),
      'ERR_MODEL_UNSUPPORTED',
      /labelz.*heads\[0\].*\(did you mean 'labels'\?\)/,
    ],
    ['heads that are no list', { ...JSON_FILE, heads: {} }, 'ERR_MODEL_FORMAT', /a list of heads/],
    ['a head that is no object', { ...JSON_FILE, heads: [3] }, 'ERR_MODEL_FORMAT', /heads\[0\] of sentorch\.json/],
    ['two heads of a name', { ...JSON_FILE, heads: [INTENT, INTENT] }, 'ERR_MODEL_FORMAT', /Two heads in .* have the name 'intent'/],
    ['training that is no object', { ...JSON_FILE, training: [] }, 'ERR_MODEL_FORMAT', /an object for training/],
    ['notes that are no texts', { ...JSON_FILE, notes: [1] }, 'ERR_MODEL_FORMAT', /for notes/],
    ['an unknown type', changed({ type: 'regression' }), 'ERR_MODEL_UNSUPPORTED', /type is "regression" in heads\[0\]/],
    ['an unknown activation', changed({ activation: 'swish' }), 'ERR_MODEL_UNSUPPORTED', /activation is "swish"/],
    ['an unknown pooling', changed({ pooling: ['median'] }), 'ERR_MODEL_UNSUPPORTED', /'median' is unknown/],
    ['an unknown setting', changed({ rank: 4 }), 'ERR_MODEL_UNSUPPORTED', /rank is 4/],
    ['a setting that is missing', changed({ dropout: undefined }), 'ERR_MODEL_FORMAT', /for dropout in heads\[0\]/],
    ['a label twice', changed({ labels: ['a', 'a', 'b'] }), 'ERR_MODEL_FORMAT', /heads\[0\] of sentorch\.json.*appears twice/],
    ['a reserved name', changed({ name: 'embedding' }), 'ERR_MODEL_FORMAT', /reserved/],
    ['a name that climbs', changed({ name: '../x' }), 'ERR_MODEL_FORMAT', /letters, digits/],
    ['a hidden layer of a terabyte', changed({ hidden: [1e12] }), 'ERR_MODEL_FORMAT', /hidden\[0\]/],
    ['a pooling of tokens', { ...JSON_FILE, heads: [{ ...SLOTS, pooling: ['cls'] }] }, 'ERR_MODEL_FORMAT', /'pooling' is for/],
  ])('%s is refused by name', async (_, json, code, message) => {
    await expect(openFolder(folderOf(withHeads(json)))).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string })
  })

  test('missing, mis-shaped and unknown weights are all told, with those of the encoder', async () => {
    const { 'intent.1.bias': _, ...rest } = WEIGHTS
    const files = withHeads(JSON_FILE, { ...rest, 'intent.0.weight': { shape: [5, 7] }, 'other.0.bias': { shape: [1] } })
    const encoder = encoderTensors('bert')
    delete encoder['embeddings.LayerNorm.bias']
    const opening = openFolder(folderOf({ ...files, 'model.safetensors': safetensors(encoder) }))
    await expect(opening).rejects.toMatchObject({ code: 'ERR_MODEL_MISMATCH' })
    const { message } = (await opening.catch((error: unknown) => error)) as Error
    for (const part of [
      'missing   embeddings.LayerNorm.bias',
      'heads.safetensors does not fit sentorch.json',
      'missing   intent.1.bias',
      'wrong     intent.0.weight   file [5, 7]   config [5, 4]',
      'unknown   other.0.bias',
    ]) {
      expect(message).toContain(part)
    }
  })

  test('weights of a type that is not read', async () => {
    const weights = { ...WEIGHTS, 'intent.0.bias': { dtype: 'F64', shape: [5] } }
    await expect(openFolder(folderOf(withHeads(JSON_FILE, weights)))).rejects.toMatchObject({
      code: 'ERR_MODEL_UNSUPPORTED',
      message: expect.stringContaining('intent.0.bias as F64') as string,
    })
  })

  test('a file that is cut off', async () => {
    const files = { ...withHeads(), 'heads.safetensors': safetensors(WEIGHTS, { cutAt: 600 }) }
    await expect(openFolder(folderOf(files))).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining('heads.safetensors') as string,
    })
  })

  test.each(['sentorch.json', 'heads.safetensors'])('only the other of the two: %s is missed', async (name) => {
    const { [name]: _, ...files } = withHeads()
    await expect(openFolder(folderOf(files))).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining(`no ${name}`) as string,
    })
  })
})

const PREFIX: Record<FamilyName, string> = { bert: 'bert.', distilbert: 'distilbert.', roberta: 'roberta.', mpnet: 'mpnet.' }
const CLASS: Record<FamilyName, string> = { bert: 'Bert', distilbert: 'DistilBert', roberta: 'Roberta', mpnet: 'MPNet' }
/** Names of the two layers of a sequence classifier, as transformers saves them. */
const LAYERS: Record<FamilyName, [string, string]> = {
  bert: ['bert.pooler.dense', 'classifier'],
  distilbert: ['pre_classifier', 'classifier'],
  roberta: ['classifier.dense', 'classifier.out_proj'],
  mpnet: ['classifier.dense', 'classifier.out_proj'],
}
const layer = (name: string, out: number, inputs = hidden): Tensors => ({
  [`${name}.weight`]: { shape: [out, inputs] },
  [`${name}.bias`]: { shape: [out] },
})
const names = (...labels: string[]): object => Object.fromEntries(labels.map((label, i) => [i, label]))

function checkpoint(family: FamilyName, task: 'Sequence' | 'Token', config: object, extra?: Tensors): Record<string, unknown> {
  const [first, output] = LAYERS[family]
  const own = task === 'Token' ? layer('classifier', 3) : { ...layer(first, hidden), ...layer(output, 3) }
  return {
    'config.json': { ...CONFIGS[family], architectures: [`${CLASS[family]}For${task}Classification`], ...config },
    'model.safetensors': safetensors({ ...encoderTensors(family, PREFIX[family]), ...(extra ?? own) }),
  }
}

describe("transformers' own classifiers", () => {
  test.each<[FamilyName, object, object]>([
    ['bert', { hidden_dropout_prob: 0.3 }, { activation: 'tanh', inputDropout: 0, dropout: 0.3 }],
    ['bert', { hidden_dropout_prob: 0.3, classifier_dropout: 0.4 }, { activation: 'tanh', inputDropout: 0, dropout: 0.4 }],
    ['distilbert', {}, { activation: 'relu', inputDropout: 0, dropout: 0.2 }],
    ['distilbert', { seq_classif_dropout: 0.5, dropout: 0 }, { activation: 'relu', inputDropout: 0, dropout: 0.5 }],
    ['roberta', { classifier_dropout: 0.4 }, { activation: 'tanh', inputDropout: 0.4, dropout: 0.4 }],
    ['mpnet', { classifier_dropout: 0.4 }, { activation: 'tanh', inputDropout: 0.1, dropout: 0.1 }],
  ])('%s ForSequenceClassification with %j', async (family, config, expected) => {
    const { heads } = await openFolder(folderOf(checkpoint(family, 'Sequence', { ...config, id2label: names('x', 'y', 'z') })))
    expect(heads.map(({ head }) => head)).toEqual([
      {
        name: 'classification',
        type: 'classification',
        labels: ['x', 'y', 'z'],
        hidden: [hidden],
        pooling: ['cls'],
        multiLabel: false,
        ...expected,
      },
    ])
    expect(heads[0]!.layers.map(({ weight }) => weight.name)).toEqual(LAYERS[family].map((name) => `${name}.weight`))
  })

  test.each<[FamilyName, object, number]>([
    ['bert', { classifier_dropout: 0.4 }, 0.4],
    ['distilbert', { dropout: 0.5 }, 0.5],
    ['roberta', {}, 0.1],
    ['mpnet', { hidden_dropout_prob: 0.2 }, 0.2],
  ])('%s ForTokenClassification', async (family, config, inputDropout) => {
    const { heads } = await openFolder(folderOf(checkpoint(family, 'Token', { ...config, id2label: names('O', 'B-x', 'I-x') })))
    expect(heads).toMatchObject([
      {
        head: { name: 'tokens', type: 'token-classification', labels: ['O', 'B-x', 'I-x'], hidden: [], inputDropout },
        layers: [{ weight: { name: 'classifier.weight' } }],
      },
    ])
  })

  test('several labels at once; labels without names; as many as num_labels, else two', async () => {
    const opened = async (config: object, outputs: number) => {
      const extra = { ...layer('bert.pooler.dense', hidden), ...layer('classifier', outputs) }
      return (await openFolder(folderOf(checkpoint('bert', 'Sequence', config, extra)))).heads[0]?.head
    }
    expect(await opened({ problem_type: 'multi_label_classification', num_labels: 3 }, 3)).toMatchObject({
      multiLabel: true,
      labels: ['LABEL_0', 'LABEL_1', 'LABEL_2'],
    })
    expect(await opened({}, 2)).toMatchObject({ multiLabel: false, labels: ['LABEL_0', 'LABEL_1'] })
    expect(await opened({ problem_type: 'multi_label_classification', id2label: names('spam') }, 1)).toMatchObject({
      multiLabel: false,
      labels: ['spam'],
    })
  })

  test.each<[string, object, RegExp]>([
    ['a regression', { id2label: names('score'), problem_type: 'regression' }, /is a regression/],
    ['one number, which transformers takes for a regression', { id2label: names('score') }, /is a regression/],
    ['labels of one name', { id2label: names('x', 'x', 'y') }, /"x" appears twice/],
    ['an empty label', { id2label: names('x', '', 'y') }, /labels\[1\]/],
    ['a number and its text', { id2label: { 0: 1, 1: '1', 2: 'x' } }, /"1" appears twice/],
    ['labels with a hole', { id2label: { 0: 'x', 2: 'y', 3: 'z' } }, /keys 0\.\.2/],
    ['labels in a list', { id2label: ['x', 'y', 'z'] }, /a JSON object in id2label/],
    ['labels that are no texts', { id2label: { 0: 'x', 1: null, 2: 'z' } }, /a string for 1 in id2label.*null/],
    ['labels that are fractions', { id2label: { 0: 0.5, 1: 'x', 2: 'z' } }, /a string for 0 in id2label.*0\.5/],
    ['other labels than weights', { id2label: names('x', 'y') }, /it has 2 labels, but classifier\.weight has 3 rows/],
    ['no labels', { id2label: {} }, /it has 0 labels/],
    ['a number of labels that is none', { num_labels: '3' }, /an integer in 1\.\.65536 for num_labels/],
    ['a type of problem that is none', { num_labels: 3, problem_type: 3 }, /a string for problem_type/],
    ['a dropout that is none', { num_labels: 3, classifier_dropout: 2 }, /classifier_dropout/],
  ])('%s is left aside with a note', async (_, config, note) => {
    const { heads, classifierNote, unusedTensors } = await openFolder(folderOf(checkpoint('bert', 'Sequence', config)))
    expect(heads).toEqual([])
    expect(classifierNote).toMatch(note)
    expect([...unusedTensors.keys()].sort()).toEqual(['classifier.bias', 'classifier.weight', 'pooler.dense.bias', 'pooler.dense.weight'])
  })

  test('whole numbers are labels, as transformers writes them', async () => {
    const { heads, classifierNote } = await openFolder(folderOf(checkpoint('bert', 'Sequence', { id2label: { 0: 2, 1: -1, 2: 'x' } })))
    expect(heads[0]?.head.labels).toEqual(['2', '-1', 'x'])
    expect(classifierNote).toBeUndefined()
  })

  test('a classifier that became a head is nobody else, its pooler stays one', async () => {
    const { unusedTensors } = await openFolder(folderOf(checkpoint('bert', 'Sequence', { id2label: names('x', 'y', 'z') })))
    expect([...unusedTensors.keys()].sort()).toEqual(['pooler.dense.bias', 'pooler.dense.weight'])
  })

  test.each<[string, object, Tensors | undefined, string, RegExp]>([
    [
      'a layer that is missing',
      { id2label: names('x', 'y', 'z') },
      layer('classifier', 3),
      'ERR_MODEL_MISMATCH',
      /missing {3}bert\.pooler\.dense\.weight/,
    ],
  ])('%s is refused', async (_, config, extra, code, message) => {
    await expect(openFolder(folderOf(checkpoint('bert', 'Sequence', config, extra)))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    })
  })

  test('an encoder whose config still names a classifier, and heads of our own beside one', async () => {
    expect((await openFolder(folderOf(checkpoint('bert', 'Sequence', {}, {})))).heads).toEqual([])
    const files = { ...checkpoint('bert', 'Sequence', { id2label: names('x', 'y', 'z') }), 'sentorch.json': { format: 1, heads: [] } }
    expect((await openFolder(folderOf(files))).heads).toEqual([])
  })
})
