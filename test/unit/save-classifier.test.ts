import fs from 'node:fs'
import path from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { saveModel } from '../../lib/model/save'
import type { HeadDefinition } from '../../lib/heads/definition'
import { valueFor } from '../support/fake-native'
import { fakeModel, filesIn, readJsonFile, readTensors } from '../support/fake-model'
import { scratch } from '../support/scratch'
import { makeVariant } from '../support/variant'

const target = (): string => path.join(scratch(), 'saved')
const sequence = (hidden: number, activation: 'tanh' | 'relu' = 'tanh'): HeadDefinition => ({
  name: 'mood',
  type: 'classification',
  labels: ['good', 'bad', 'so so'],
  hidden: [hidden],
  activation,
  pooling: 'cls',
  dropout: 0.3,
  inputDropout: 0.3,
})
const tags: HeadDefinition = { name: 'tags', type: 'token-classification', labels: ['O', 'B-x', 'I-x'], inputDropout: 0.4 }

const FAMILIES: [string, string, string, 'tanh' | 'relu', number, [string, string], object][] = [
  ['bert', 'Bert', 'bert.', 'tanh', 32, ['bert.pooler.dense', 'classifier'], { classifier_dropout: 0.3 }],
  ['distilbert', 'DistilBert', 'distilbert.', 'relu', 44, ['pre_classifier', 'classifier'], { seq_classif_dropout: 0.3 }],
  ['roberta', 'Roberta', 'roberta.', 'tanh', 36, ['classifier.dense', 'classifier.out_proj'], { classifier_dropout: 0.3 }],
  ['xlm-roberta', 'XLMRoberta', 'roberta.', 'tanh', 32, ['classifier.dense', 'classifier.out_proj'], { classifier_dropout: 0.3 }],
  ['mpnet', 'MPNet', 'mpnet.', 'tanh', 40, ['classifier.dense', 'classifier.out_proj'], { hidden_dropout_prob: 0.1 }],
]

test.each(FAMILIES)(
  '%s: both kinds are written as transformers writes them, and come back',
  async (base, name, prefix, activation, hidden, layers, dropout) => {
    const overlays = fs.existsSync(path.join(__dirname, '..', 'fixtures', 'overlays', `${base}-heads`)) ? [`${base}-heads`] : []
    const source = makeVariant({ base, overlays })
    const { parts } = await fakeModel(source)
    parts.heads.add(sequence(hidden, activation))
    parts.heads.add(tags)
    const encoder = [...parts.folder.parameters.keys()].map((key) => prefix + key)
    const [first, second] = [target(), target()]
    await saveModel(parts, first, { as: 'sequence-classification' })
    await saveModel(parts, second, { as: 'token-classification', head: 'tags' })

    for (const folder of [first, second])
      expect(filesIn(folder)).toEqual([
        'config.json',
        'model.safetensors',
        'sentorch-manifest.json',
        ...filesIn(source).filter((file) => file.startsWith('token')),
      ])
    expect(readJsonFile(first, 'config.json')).toMatchObject({
      architectures: [`${name}ForSequenceClassification`],
      id2label: { 0: 'good', 1: 'bad', 2: 'so so' },
      label2id: { good: 0, bad: 1, 'so so': 2 },
      problem_type: 'single_label_classification',
      ...dropout,
    })
    expect(readJsonFile(second, 'config.json')).toMatchObject({
      architectures: [`${name}ForTokenClassification`],
      id2label: { 0: 'O', 1: 'B-x', 2: 'I-x' },
    })
    const ends = (names: string[]): string[] => names.flatMap((each) => [`${each}.bias`, `${each}.weight`])
    expect([...readTensors(first).keys()].sort()).toEqual([...encoder, ...ends(layers)].sort())
    expect([...readTensors(second).keys()].sort()).toEqual([...encoder, ...ends(['classifier'])].sort())
    const output = readTensors(first).get(`${layers[1]}.weight`)!
    expect([output.shape, Buffer.from(output.bytes, 'latin1').readFloatLE()]).toEqual([[3, hidden], valueFor('heads.mood.1.weight')])

    const [a, b] = [await openFolder(first), await openFolder(second)]
    const { dropout: rate, inputDropout } = a.heads[0]!.head
    expect(a.heads.map(({ head }) => head)).toEqual([{ ...parts.heads.get('mood'), name: 'classification', dropout: rate, inputDropout }])
    expect(b.heads).toMatchObject([{ head: { name: 'tokens', type: 'token-classification', labels: tags.labels, hidden: [] } }])
  },
)

test('several labels at once, and one', async () => {
  const { parts } = await fakeModel(makeVariant({ base: 'bert' }))
  parts.heads.add({ ...sequence(32), name: 'many', multiLabel: true })
  parts.heads.add({ ...sequence(32), name: 'one', labels: ['spam'] })
  for (const [head, expected] of [
    ['many', { multiLabel: true }],
    ['one', { multiLabel: false, labels: ['spam'] }],
  ] as const) {
    const folder = target()
    await saveModel(parts, folder, { as: 'sequence-classification', head })
    expect(readJsonFile(folder, 'config.json').problem_type).toBe('multi_label_classification')
    expect((await openFolder(folder)).heads[0]?.head).toMatchObject(expected)
  }
})

test.each<[string, Partial<HeadDefinition>, RegExp[]]>([
  ['linear', { hidden: [] }, [/one hidden layer of 32, the head none/]],
  ['of another size', { hidden: [16] }, [/one hidden layer of 32, the head \[16\]/]],
  ['deeper', { hidden: [32, 32] }, [/the head \[32, 32\]/]],
  ['with another activation', { activation: 'relu' }, [/activation of that class is tanh, the head's relu/]],
  ['on the mean', { pooling: undefined }, [/uses the first token \(pooling 'cls'\), the head mean/]],
  ['on two poolings, and linear', { pooling: ['cls', 'max'], hidden: [] }, [/the head cls \+ max/, /the head none/]],
])('a head that is %s is refused with the reason', async (_, change, reasons) => {
  const { parts, native } = await fakeModel(makeVariant({ base: 'bert' }))
  parts.heads.add({ ...sequence(32), ...change })
  const parent = scratch()
  const saving = saveModel(parts, path.join(parent, 'x'), { as: 'sequence-classification' })
  await expect(saving).rejects.toMatchObject({
    code: 'ERR_MODEL_UNSUPPORTED',
    message: expect.stringContaining("Head 'mood' cannot be saved as BertForSequenceClassification") as string,
  })
  const { message, detail } = (await saving.catch((error: unknown) => error)) as Error & { detail: { reasons: string[] } }
  for (const reason of reasons) expect(message).toMatch(reason)
  expect(detail.reasons).toHaveLength(reasons.length)
  expect(native.written).toEqual([])
  expect(fs.readdirSync(parent)).toEqual([])
})

test('a tagging head with hidden layers, and a head behind Dense modules', async () => {
  const entries = ['Transformer', 'Pooling', 'Dense'].map((kind, idx) => ({
    idx,
    name: '',
    path: idx === 0 ? '' : `${idx}_${kind}`,
    type: `sentence_transformers.models.${kind}`,
  }))
  const pooling = { word_embedding_dimension: 32, pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }
  const { parts } = await fakeModel(
    makeVariant({ base: 'bert', overlays: ['bert-dense'], files: { 'modules.json': entries, '1_Pooling/config.json': pooling } }),
  )
  parts.heads.add({ ...tags, hidden: [8] })
  parts.heads.add({ ...sequence(32), pooling: undefined })
  await expect(saveModel(parts, target(), { as: 'token-classification' })).rejects.toThrow(
    /that class is linear, the head has hidden layers \[8\]/,
  )
  await expect(saveModel(parts, target(), { as: 'sequence-classification' })).rejects.toThrow(/follows the model's Dense modules/)
})
