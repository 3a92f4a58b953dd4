import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { isSentorchError, SentorchError, throwIfAborted } from '../base/errors'
import { printable } from '../base/text'
import { Fields } from '../files/fields'
import { checkRelative, openRegular, openRoot, readJson, resolveFile, type ModelRoot } from '../files/read'
import { selectFiles } from '../hub/select'
import type { StagedFolder } from './write-folder'

/** Size and hash of every other file in a folder written by sentorch, to detect damage and files of another save. */
export const MANIFEST_FILE = 'sentorch-manifest.json'

/** Version of the format. Increased when older readers would misread the file. */
const FORMAT = 1

export interface ManifestEntry {
  /** Size in bytes. */
  size: number
  /** 64 hexadecimal digits. */
  sha256: string
}

/** Entries by path relative to the folder, with '/'. */
export type Manifest = ReadonlyMap<string, ManifestEntry>

/** Writes the manifest, the last file of a folder. */
export async function writeManifest(staged: StagedFolder, signal?: AbortSignal): Promise<void> {
  const files: Record<string, ManifestEntry> = {}
  for (const name of await filesIn(staged.path)) {
    throwIfAborted(signal)
    const { size, digest } = await digestOf(join(staged.path, name), name)
    files[name] = { size, sha256: digest }
  }
  await staged.json(MANIFEST_FILE, { format: FORMAT, files })
}

/** Undefined if the folder has none. Throws ERR_MODEL_FORMAT if it is damaged, ERR_MODEL_UNSUPPORTED if it has a newer format. */
export async function readManifest(root: ModelRoot): Promise<Manifest | undefined> {
  const json = await readJson(root, MANIFEST_FILE)
  if (json === undefined) return undefined
  const fields = new Fields(json, `${MANIFEST_FILE} in ${root.shown}`)
  const format = fields.integer('format', 1, Number.MAX_SAFE_INTEGER)
  if (format > FORMAT) throw fields.unsupported('format', `this version of sentorch reads formats up to ${FORMAT}; update sentorch`)
  const files = fields.object('files')
  return new Map(
    files.keys().map((name) => {
      checkRelative(root, name, MANIFEST_FILE)
      const entry = files.object(name)
      const size = entry.integer('size', 0, Number.MAX_SAFE_INTEGER)
      const sha256 = entry.string('sha256')
      if (!/^[0-9a-f]{64}$/.test(sha256)) throw entry.bad('sha256', '64 hexadecimal digits')
      return [name, { size, sha256 }]
    }),
  )
}

/**
 * Describes the first file that differs from the manifest; undefined if none does. Sizes are compared before any file is hashed. Files that
 * the manifest does not list are allowed, except weights, which belong to another save.
 */
export async function damageIn(root: ModelRoot, manifest: Manifest, signal?: AbortSignal): Promise<string | undefined> {
  const stranger = (await filesIn(root.real)).find((name) => name.endsWith('.safetensors') && !manifest.has(name))
  if (stranger !== undefined) return `${printable(stranger)} is not listed in ${MANIFEST_FILE}: it belongs to another save`
  const found: [string, string, ManifestEntry][] = []
  for (const [name, entry] of manifest) {
    const file = await resolveFile(root, name, MANIFEST_FILE)
    if (file === undefined) return `${printable(name)} is missing`
    const { handle, size } = await openRegular(file, name)
    await handle.close()
    if (size !== entry.size) return `${printable(name)} has ${size} bytes, but ${entry.size} were written: it is truncated, or belongs to another save` // prettier-ignore
    found.push([name, file, entry])
  }
  for (const [name, file, { sha256 }] of found) {
    throwIfAborted(signal)
    const { digest } = await digestOf(file, name)
    if (digest !== sha256) return `${printable(name)} is damaged, or belongs to another save: its sha256 is ${digest}, but ${sha256} was written` // prettier-ignore
  }
  return undefined
}

/** Size and hash of a file's content. `prefix(bytes)` is hashed first (git hashes a header with the content). */
async function digestOf(
  file: string,
  name: string,
  algorithm: 'sha256' | 'sha1' = 'sha256',
  prefix?: (size: number) => string,
): Promise<{ size: number; digest: string }> {
  const { handle, size } = await openRegular(file, name)
  try {
    const hash = createHash(algorithm)
    if (prefix) hash.update(prefix(size))
    // One chunk at a time, so that the JavaScript thread is free between two chunks.
    for await (const piece of handle.createReadStream({ highWaterMark: PIECE, autoClose: false })) hash.update(piece as Buffer)
    return { size, digest: hash.digest('hex') }
  } catch (error) {
    throw unreadable(name, error)
  } finally {
    await handle.close()
  }
}

const PIECE = 2 ** 20

/** The sorted paths of all files below a folder except the manifest, with '/'. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(folder, error)
  })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => name !== MANIFEST_FILE)
    .sort()
}

function unreadable(name: string, error: unknown): SentorchError {
  if (isSentorchError(error)) return error
  return new SentorchError('ERR_FILE', `${name} cannot be read: ${(error as Error).message}.`, { cause: error, detail: { file: name } })
}

/**
 * Compares the files of a model with known hashes: in a hub cache those of its blobs, otherwise those of the manifest.
 * Throws ERR_MODEL_FORMAT if a file is damaged, ERR_INVALID_ARGUMENT if no hashes are known.
 */
export async function verifyFolder(folder: string, signal?: AbortSignal): Promise<void> {
  const root = await openRoot(folder)
  if (root.blobs !== undefined) return verifySnapshot(root, signal)
  const manifest = await readManifest(root)
  if (manifest === undefined) {
    throw nothingKnown(root, `it has no ${MANIFEST_FILE} and is not a snapshot in a hub cache`)
  }
  const damage = await damageIn(root, manifest, signal)
  if (damage !== undefined) throw damaged(root, damage)
}

/** The hub names large files by the sha256 of their content, and small ones by their git hash. */
async function verifySnapshot(root: ModelRoot, signal: AbortSignal | undefined): Promise<void> {
  const entries = await readdir(root.real, { recursive: true, withFileTypes: true })
  const names = entries.map((entry) => relative(root.real, join(entry.parentPath, entry.name)).split(sep).join('/'))
  const { files } = await selectFiles(names, async (path) => {
    const file = await resolveFile(root, path)
    return file === undefined ? undefined : readFile(file, 'utf8')
  })
  for (const name of files) {
    throwIfAborted(signal)
    const file = await resolveFile(root, name)
    if (file === undefined) throw damaged(root, `${name} is missing`)
    const known = basename(file)
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(known)) {
      throw nothingKnown(root, `${name} is a copy, not a link to a blob whose name is its hash`)
    }
    const { digest } = await (known.length === 64 ? digestOf(file, name) : digestOf(file, name, 'sha1', (size) => `blob ${size}\0`))
    if (digest !== known) throw damaged(root, `${name} is damaged: its hash is ${digest}, but the hub's is ${known}`)
  }
}

function damaged(root: ModelRoot, what: string): SentorchError {
  return new SentorchError('ERR_MODEL_FORMAT', `The model in ${root.shown} failed verification: ${what}. Download or save it again.`, {
    detail: { folder: root.shown, reason: what },
  })
}

function nothingKnown(root: ModelRoot, why: string): SentorchError {
  return new SentorchError(
    'ERR_INVALID_ARGUMENT',
    `Cannot verify ${root.shown}: ${why}. Load it without 'verify', or use a folder that model.save or the hub's client has written.`,
    { detail: { name: 'verify', folder: root.shown } },
  )
}
