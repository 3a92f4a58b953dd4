import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { safetensors } from '../support/safetensors'
import { folderOf } from '../support/scratch'
import { sourcesIn } from '../support/sources'
import { CONFIGS, encoderTensors, TINY, tinyFiles, type FamilyName, type Tensors } from '../support/tiny-folder'

const { vocab, hidden, heads, layers, wide, positions, types } = TINY

const HEADS: Record<FamilyName, string[]> = {
  bert: [
    'cls.predictions.bias',
    'cls.predictions.transform.dense.weight',
    'cls.seq_relationship.weight',
    'classifier.weight',
    'qa_outputs.bias',
  ],
  roberta: ['lm_head.dense.weight', 'lm_head.bias', 'classifier.dense.weight', 'classifier.out_proj.bias', 'qa_outputs.weight'],
  mpnet: ['lm_head.decoder.weight', 'lm_head.layer_norm.bias', 'classifier.dense.bias', 'qa_outputs.weight'],
  distilbert: [
    'vocab_transform.weight',
    'vocab_layer_norm.bias',
    'vocab_projector.weight',
    'pre_classifier.weight',
    'classifier.bias',
    'qa_outputs.bias',
  ],
}

describe('families', () => {
  test.each<[string, FamilyName, string]>([
    ['bert', 'bert', 'bert.'],
    ['distilbert', 'distilbert', 'distilbert.'],
    ['roberta', 'roberta', 'roberta.'],
    ['xlm-roberta', 'roberta', 'roberta.'],
    ['camembert', 'roberta', 'roberta.'],
    ['mpnet', 'mpnet', 'mpnet.'],
  ])('%s: with and without its prefix, in every stored type, with heads on top', async (modelType, family, prefix) => {
    for (const at of ['', prefix]) {
      for (const dtype of ['F32', 'F16', 'BF16']) {
        const tensors = encoderTensors(family, at, dtype)
        const extras: Tensors = {
          [`${at}embeddings.position_ids`]: { dtype: 'I64', shape: [1, positions] },
          [`${at}pooler.dense.weight`]: { shape: [hidden, hidden] },
          [`${at}pooler.dense.bias`]: { shape: [hidden] },
          ...Object.fromEntries(HEADS[family].map((name) => [name, { dtype: 'F64', shape: [3] }])),
        }
        const folder = folderOf({
          'config.json': { ...CONFIGS[family], model_type: modelType },
          'model.safetensors': safetensors({ ...extras, ...tensors }),
        })
        const { encoder, config, weightBytes, files } = await openFolder(folder)
        expect(files).toEqual([join(realpathSync(folder), 'model.safetensors')])
        expect(config).toMatchObject({ modelType, family, hiddenSize: hidden, heads, layers, intermediateSize: wide, vocabSize: vocab })
        const sources = sourcesIn(encoder)
        // AutoModel's names, whatever stands before them in the file.
        expect(sources.map(({ name }) => at + name).sort()).toEqual(Object.keys(tensors).sort())
        for (const { name, shape, dtype: stored } of sources) expect({ shape, dtype: stored }).toEqual(tensors[at + name])
        expect(weightBytes).toBe(Object.values(tensors).reduce((sum, { shape }) => sum + count(shape) * (dtype === 'F32' ? 4 : 2), 0))
      }
    }
  })

  test.each<[FamilyName, object]>([
    ['bert', { positionPadding: -1, usablePositions: positions, typeVocabSize: types, relativeAttentionBuckets: 0, layerNormEps: 1e-12 }],
    ['distilbert', { positionPadding: -1, usablePositions: positions, typeVocabSize: 0, relativeAttentionBuckets: 0, layerNormEps: 1e-12 }],
    [
      'roberta',
      { positionPadding: 1, usablePositions: positions - 2, typeVocabSize: types, relativeAttentionBuckets: 0, layerNormEps: 1e-5 },
    ],
    ['mpnet', { positionPadding: 1, usablePositions: positions - 2, typeVocabSize: 0, relativeAttentionBuckets: 32, layerNormEps: 1e-12 }],
  ])('%s: positions, token types, bias', async (family, expected) => {
    const { config, encoder, modules } = await openFolder(folderOf(tinyFiles(family)))
    expect(config).toMatchObject(expected)
    expect(encoder).toMatchObject({
      positionPadding: config.positionPadding,
      wordPadding: family === 'bert' || family === 'distilbert' ? 0 : 1,
    })
    expect(encoder.tokenTypeEmbeddings === null).toBe(config.typeVocabSize === 0)
    expect(encoder.relativeAttentionBias?.shape).toEqual(family === 'mpnet' ? [32, heads] : undefined)
    expect(modules).toMatchObject({ implied: true, pooling: ['mean'], steps: [], maxSeqLength: config.usablePositions })
  })

  test('each tensor lies where the file has it', async () => {
    const names = Object.keys(encoderTensors('bert'))
    const { encoder } = await openFolder(folderOf(tinyFiles()))
    const sources = new Map(sourcesIn(encoder).map((source) => [source.name, source]))
    let at = sources.get(names[0]!)!.offset
    for (const name of names) {
      expect({ name, offset: sources.get(name)!.offset }).toEqual({ name, offset: at })
      at += count(sources.get(name)!.shape) * 4
    }
    const layer = encoder.layers[1]!
    expect(layer.query.weight.name).toBe('encoder.layer.1.attention.self.query.weight')
    expect(layer.attentionOutput.bias?.name).toBe('encoder.layer.1.attention.output.dense.bias')
    expect(layer.outputNorm.weight.name).toBe('encoder.layer.1.output.LayerNorm.weight')
  })

  test('LayerNorm under its old names gamma and beta', async () => {
    const old = Object.fromEntries(
      Object.entries(encoderTensors('bert', 'bert.')).map(([name, spec]) => [
        name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta'),
        spec,
      ]),
    )
    const { encoder } = await openFolder(folderOf({ 'config.json': CONFIGS.bert, 'model.safetensors': safetensors(old) }))
    const places = sourcesIn((await openFolder(folderOf(tinyFiles()))).encoder)
    const shift = encoder.wordEmbeddings.offset - places.find(({ name }) => name === encoder.wordEmbeddings.name)!.offset
    expect(sourcesIn(encoder)).toEqual(places.map((source) => ({ ...source, offset: source.offset + shift })))
  })

  test.each([0, 1])('a token-type table of %d rows', async (rows) => {
    const tensors = { ...encoderTensors('roberta'), 'embeddings.token_type_embeddings.weight': { shape: [rows, hidden] } }
    const config = { ...CONFIGS.roberta, type_vocab_size: rows }
    const { encoder } = await openFolder(folderOf({ 'config.json': config, 'model.safetensors': safetensors(tensors) }))
    expect(encoder.tokenTypeEmbeddings?.shape).toEqual(rows === 0 ? undefined : [1, hidden])
  })
})

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
