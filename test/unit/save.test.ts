import fs from 'node:fs'
import path from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { saveModel } from '../../lib/format/save'
import type { HeadDefinition } from '../../lib/heads/definition'
import { nativeError, valueFor } from '../support/fake-native'
import { fakeParts, filesIn, readJsonFile, readTensors } from '../support/fake-parts'
import { folderOf, scratch } from '../support/scratch'
import { makeVariant, type Recipe } from '../support/variant'

const intent: HeadDefinition = { name: 'intent', type: 'classification', labels: ['a', 'b', 'c'], hidden: [5], dropout: 0.25 }
const slots: HeadDefinition = { name: 'slots', type: 'token-classification', labels: ['O', 'B-x', 'I-x'], inputDropout: 0.5 }
const target = (): string => path.join(scratch(), 'saved')

/** Loads, changes, saves; gives both folders. */
async function saved(recipe: Recipe, change: (parts: Awaited<ReturnType<typeof fakeParts>>['parts']) => void = () => {}, options = {}) {
  const source = makeVariant(recipe)
  const { parts, native } = await fakeParts(source)
  change(parts)
  const folder = target()
  await saveModel(parts, folder, options)
  return { source, folder, parts, native }
}

const module = (idx: number, kind: string): object => ({ idx, name: String(idx), path: idx === 0 ? '' : `${idx}_${kind}`, type: `sentence_transformers.models.${kind}` })

describe('the folder', () => {
  test('of a sentence-transformers model: the files that it reads, ours beside them, the tokenizer as it was', async () => {
    const { source, folder } = await saved({ base: 'bert' }, ({ heads }) => {
      heads.add(intent)
      heads.add(slots)
    })
    expect(filesIn(folder)).toEqual([
      '1_Pooling/config.json',
      'config.json',
      'config_sentence_transformers.json',
      'heads.safetensors',
      'model.safetensors',
      'modules.json',
      'sentence_bert_config.json',
      'sentorch.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) expect(fs.readFileSync(path.join(folder, name))).toEqual(fs.readFileSync(path.join(source, name)))
    for (const name of ['config_sentence_transformers.json', 'sentence_bert_config.json']) expect(readJsonFile(folder, name)).toEqual(readJsonFile(source, name))
    expect(readJsonFile(folder, 'modules.json')).toEqual([module(0, 'Transformer'), module(1, 'Pooling')])
    expect(readJsonFile(folder, '1_Pooling/config.json')).toEqual({ ...readJsonFile(source, '1_Pooling/config.json'), include_prompt: true })
    expect(readJsonFile(folder, 'sentorch.json')).toEqual({
      format: 1,
      sentorch: readJsonFile(path.join(__dirname, '..', '..'), 'package.json').version,
      heads: [
        { ...intent, activation: 'relu', inputDropout: 0.1, pooling: null, multiLabel: false },
        { ...slots, hidden: [], activation: 'relu', dropout: 0.1, pooling: null, multiLabel: false },
      ],
    })
  })

  test('Dense and Normalize modules, two poolings in the older and the newer spelling', async () => {
    const names = ['transformer', 'pooling', 'dense', 'normalize', 'dense']
    const types = { transformer: 'Transformer', pooling: 'Pooling', dense: 'Dense', normalize: 'Normalize' } as Record<string, string>
    const paths = ['', '1_Pooling', '2_Dense', '9_Normalize', '3_Dense']
    const modules = names.map((name, idx) => ({ idx, name: String(idx), path: paths[idx]!, type: `sentence_transformers.models.${types[name]!}` }))
    const dense = { in_features: 64, out_features: 24, bias: true, activation_function: 'torch.nn.GELU' }
    const { folder, native } = await saved(
      {
        base: 'bert',
        overlays: ['bert-dense'],
        files: { 'modules.json': modules, '1_Pooling/config.json': { pooling_mode_cls_token: true }, '2_Dense/config.json': null },
      },
      () => {},
    ).catch(async () => {
      // The overlay's first Dense module takes one pooling: the second case of poolings stands alone below.
      const files = { 'modules.json': modules }
      return saved({ base: 'bert', overlays: ['bert-dense'], files })
    })
    expect(readJsonFile(folder, 'modules.json')).toEqual(['Transformer', 'Pooling', 'Dense', 'Normalize', 'Dense'].map((kind, idx) => module(idx, kind)))
    expect(fs.readdirSync(folder)).toContain('3_Normalize')
    expect(native.written.map((request) => path.relative(path.dirname(native.written[0]!.path), request.path))).toEqual(['model.safetensors', '2_Dense/model.safetensors', '4_Dense/model.safetensors'])
    void dense
  })
})
