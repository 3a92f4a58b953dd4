import fs from 'node:fs'
import path from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { saveModel } from '../../lib/model/save'
import type { HeadDefinition } from '../../lib/heads/definition'
import { nativeError } from '../support/fake-native'
import { fakeModel, filesIn, readTensors } from '../support/fake-model'
import { fakeSystem } from '../support/fake-system'
import { folderOf, scratch } from '../support/scratch'
import { makeVariant } from '../support/variant'

jest.mock('../../lib/native/addon', () => ({ ...jest.requireActual<object>('../../lib/native/addon'), loadAddon: () => fakeSystem }))

const intent: HeadDefinition = { name: 'intent', type: 'classification', labels: ['a', 'b', 'c'], hidden: [5] }
const slots: HeadDefinition = { name: 'slots', type: 'token-classification', labels: ['O', 'B-x', 'I-x'] }
const target = (): string => path.join(scratch(), 'saved')

describe('all or nothing', () => {
  const start = () => fakeModel(makeVariant({ base: 'bert' }))

  test('a write that fails leaves nothing', async () => {
    const { parts, native } = await start()
    native.failures.set('write', nativeError('ERR_NON_FINITE', 'heads.intent.0.weight holds a NaN'))
    const parent = scratch()
    await expect(saveModel(parts, path.join(parent, 'saved'))).rejects.toMatchObject({ name: 'SentorchError', code: 'ERR_NON_FINITE' })
    expect(fs.readdirSync(parent)).toEqual([])
  })

  test('so does an abort, before and in the middle', async () => {
    const { parts, native } = await start()
    const parent = scratch()
    const signal = AbortSignal.abort('enough')
    await expect(saveModel(parts, path.join(parent, 'saved'), { signal })).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' })
    const controller = new AbortController()
    native.onWrite = () => controller.abort()
    await expect(saveModel(parts, path.join(parent, 'saved'), { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(fs.readdirSync(parent)).toEqual([])
  })

  test('a folder that cannot be made is ERR_FILE at once', async () => {
    const { parts } = await start()
    await expect(saveModel(parts, '/proc/sentorch/model')).rejects.toMatchObject({ name: 'SentorchError', code: 'ERR_FILE' })
  })

  test('saves of one model wait for each other, also over the folder that it came from', async () => {
    const source = makeVariant({ base: 'bert' })
    const { parts, native } = await fakeModel(source)
    const folder = target()
    let most = 0
    const staged = (where: string) =>
      fs.readdirSync(path.dirname(where)).filter((name) => name.startsWith(`.${path.basename(where)}.`)).length
    native.onWrite = () => (most = Math.max(most, staged(source) + staged(folder)))
    await Promise.all([source, folder, source, folder, source].map((where) => saveModel(parts, where, { overwrite: true })))
    expect(readTensors(folder)).toEqual(readTensors(source))
    expect(fs.readdirSync(path.dirname(folder))).toEqual(['saved'])
    expect(most).toBe(1)
  })

  test.each<[string, number, RegExp]>([
    ['only the old folder', 2, /EIO/],
    ['neither folder', Infinity, /the next load or save moves the new one into place/],
  ])('where %s can be given the name, the next save of the model works all the same', async (_, last, message) => {
    const source = makeVariant({ base: 'bert' })
    const { parts } = await fakeModel(source)
    fakeSystem.exchanges = false
    const { renameSync } = fs
    let calls = 0
    jest.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
      if (++calls > 1 && calls <= last) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
      renameSync(from, to)
    })
    try {
      await expect(saveModel(parts, source, { overwrite: true })).rejects.toThrow(message)
    } finally {
      jest.restoreAllMocks()
      fakeSystem.exchanges = true
    }
    await saveModel(parts, source, { overwrite: true })
    await saveModel(parts, target())
    await openFolder(source)
  })

  test('a failed overwrite leaves the old model', async () => {
    const { parts, native } = await start()
    const folder = folderOf({ 'config.json': { old: true } })
    native.failures.set('write', nativeError('ERR_OUT_OF_MEMORY'))
    await expect(saveModel(parts, folder, { overwrite: true })).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
    expect(filesIn(folder)).toEqual(['config.json'])
  })

  test.each<[string, unknown[], RegExp]>([
    ['no folder', [undefined], /a string for folder/],
    ['an empty name', [''], /the path of a folder/],
    ['an unknown option', ['x', { overwite: true }], /Did you mean 'overwrite'/],
    ['a broken overwrite', ['x', { overwrite: 1 }], /a boolean for overwrite/],
    ['a broken signal', ['x', { signal: {} }], /an AbortSignal/],
    ['an unknown kind', ['x', { as: 'onnx' }], /one of 'sequence-classification'/],
    ['a head without a kind', ['x', { head: 'intent' }], /'head' needs 'as'/],
    [
      'training in a checkpoint that has no place for it',
      ['x', { as: 'token-classification', training: {} }],
      /'training' cannot be combined with 'as'/,
    ],
    ['training that is no object', ['x', { training: 3 }], /an object for training/],
    ['training that JSON cannot hold', ['x', { training: { n: 1n } }], /'training' must be an object that JSON can hold/],
    ['no head of that kind', ['x', { as: 'token-classification' }], /this model has none/],
    ['two heads of that kind', ['x', { as: 'sequence-classification' }], /this model has intent, mood\. Choose one/],
    ['a head that is not there', ['x', { as: 'sequence-classification', head: 'y' }], /no classification head named 'y'.*intent, mood/],
  ])('%s is refused before anything happens', async (_, args, message) => {
    const { parts, native } = await start()
    parts.heads.add(intent)
    parts.heads.add({ ...intent, name: 'mood' })
    await expect(saveModel(parts, ...(args as [string]))).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message) as string,
    })
    expect(native.written).toEqual([])
  })

  test('a model can take the place of the folder that it came from, and be saved again', async () => {
    const source = makeVariant({ base: 'bert', overlays: ['bert-heads'] })
    const { parts } = await fakeModel(source)
    const before = await openFolder(source)
    await saveModel(parts, source, { overwrite: true })
    const folder = target()
    await saveModel(parts, folder)
    expect(readTensors(folder)).toEqual(readTensors(source))
    expect(parts.folder.modules).toEqual(before.modules)
    await expect(saveModel(parts, source, { overwrite: true, as: 'token-classification' })).rejects.toThrow(
      /needs one token-classification head/,
    )
    parts.heads.add(slots)
    await expect(saveModel(parts, source, { overwrite: true, as: 'token-classification' })).rejects.toThrow(
      /loaded from: it cannot be replaced by one of another kind/,
    )
  })

  test('the folder around its own is not replaced', async () => {
    const parent = folderOf({ 'config.json': {} })
    fs.cpSync(makeVariant({ base: 'bert' }), path.join(parent, 'model'), { recursive: true })
    const { parts } = await fakeModel(path.join(parent, 'model'))
    await expect(saveModel(parts, parent, { overwrite: true })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('would lose') as string,
    })
  })

  test('files that changed under the model are not taken for its weights', async () => {
    const source = makeVariant({ base: 'bert' })
    const { parts } = await fakeModel(source)
    const file = path.join(source, 'model.safetensors')
    fs.writeFileSync(file, fs.readFileSync(file))
    const parent = scratch()
    await expect(saveModel(parts, path.join(parent, 'saved'))).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining('was changed or removed') as string,
    })
    expect(fs.readdirSync(parent)).toEqual([])
  })

  test('a trained model is not lost with its source: it goes without what it does not use, and says so', async () => {
    const source = makeVariant({ base: 'bert', overlays: ['bert-heads'] })
    const { parts } = await fakeModel(source)
    parts.trained = true
    fs.rmSync(path.join(source, 'model.safetensors'))
    const folder = target()
    await saveModel(parts, folder)
    expect([...readTensors(folder).keys()].sort()).toEqual([...parts.folder.parameters.keys()].sort())
    expect((await openFolder(folder)).notes).toEqual([expect.stringContaining('were left out')])
    fs.rmSync(source, { recursive: true })
    await expect(saveModel(parts, target())).rejects.toMatchObject({
      code: 'ERR_MODEL_FORMAT',
      message: expect.stringContaining('tokenizer') as string,
    })
  })
})
