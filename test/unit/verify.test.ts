import { createHash } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { verifyFolder } from '../../lib/format/manifest'
import { seal } from '../support/manifest'
import { scratch } from '../support/scratch'
import { FIXTURES } from '../support/variant'

const MODEL = join(FIXTURES, 'models', 'bert')

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
/** As `git hash-object` names a content. */
const gitId = (bytes: Buffer) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

/** The tiny BERT as huggingface_hub keeps it: weights by their sha256, small files by git's id. */
function snapshot(): string {
  const repository = join(scratch(), 'models--x--bert')
  const folder = join(repository, 'snapshots', 'a'.repeat(40))
  mkdirSync(join(repository, 'blobs'), { recursive: true })
  for (const entry of readdirSync(MODEL, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const bytes = readFileSync(file)
    const blob = join(repository, 'blobs', entry.name.endsWith('.safetensors') ? sha256(bytes) : gitId(bytes))
    copyFileSync(file, blob)
    const pointer = join(folder, relative(MODEL, file))
    mkdirSync(dirname(pointer), { recursive: true })
    symlinkSync(relative(dirname(pointer), blob), pointer)
  }
  return folder
}

const damaged = (text: string) => ({ code: 'ERR_MODEL_FORMAT', message: expect.stringContaining(text) })

test('a snapshot of the hub is compared with the names of its blobs', async () => {
  await verifyFolder(snapshot())
})

test.each(['model.safetensors', 'tokenizer.json', 'config.json', '1_Pooling/config.json'])('a damaged blob is named: %s', async (name) => {
  const folder = snapshot()
  const blob = realpathSync(join(folder, name))
  const bytes = readFileSync(blob)
  bytes[bytes.length - 3]! ^= 4
  writeFileSync(blob, bytes)
  await expect(verifyFolder(folder)).rejects.toMatchObject(damaged(`${name} is damaged`))
})

test('what sentorch does not read is not compared', async () => {
  const folder = snapshot()
  symlinkSync(relative(folder, realpathSync(join(folder, 'config.json'))), join(folder, 'README.md'))
  appendFileSync(join(dirname(realpathSync(join(folder, 'config.json'))), 'f'.repeat(40)), 'x')
  symlinkSync(`../../blobs/${'f'.repeat(40)}`, join(folder, 'pytorch_model.bin'))
  await verifyFolder(folder)
})

test('a copy in the place of a link has no known hash', async () => {
  const folder = snapshot()
  const pointer = join(folder, 'model.safetensors')
  const blob = realpathSync(pointer)
  rmSync(pointer)
  copyFileSync(blob, pointer)
  await expect(verifyFolder(folder)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining('model.safetensors is a copy'),
  })
})

test('a folder with our manifest is compared with it; one without has no known hash', async () => {
  const folder = join(scratch(), 'model')
  cpSync(MODEL, folder, { recursive: true })
  await expect(verifyFolder(folder)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  seal(folder)
  await verifyFolder(folder)
  appendFileSync(join(folder, 'tokenizer.json'), ' ')
  await expect(verifyFolder(folder)).rejects.toMatchObject(damaged('tokenizer.json has'))
})

test('a signal stops it', async () => {
  await expect(verifyFolder(snapshot(), AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_ABORTED' })
})
