import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { SentorchError, throwIfAborted } from '../base/errors'
import { selectFiles } from '../hub/select'
import { damageIn, digestOf, MANIFEST_FILE, readManifest } from './manifest'
import { openRoot, resolveFile, type ModelRoot } from '../files/paths'

/**
 * Compares the files of a model with the hashes that are known of them: in a cache of the hub those of its blobs, else those of our manifest.
 * ERR_MODEL_FORMAT where a file is damaged, ERR_INVALID_ARGUMENT where no hash is known.
 */
export async function verifyFolder(folder: string, signal?: AbortSignal): Promise<void> {
  const root = await openRoot(folder)
  if (root.blobs !== undefined) return verifySnapshot(root, signal)
  const manifest = await readManifest(root)
  if (manifest === undefined) {
    throw nothingKnown(root, `it has no ${MANIFEST_FILE}, and is not a snapshot in a cache of the hub`)
  }
  const damage = await damageIn(root, manifest, signal)
  if (damage !== undefined) throw damaged(root, damage)
}

/** The hub names the content of a large file by its sha256, that of a small one as git does. */
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
      throw nothingKnown(root, `${name} is a copy there and not a link to a blob, whose name would be its hash`)
    }
    const { digest } = await (known.length === 64 ? digestOf(file, name) : digestOf(file, name, 'sha1', (size) => `blob ${size}\0`))
    if (digest !== known) throw damaged(root, `${name} is damaged: its hash is ${digest}, the hub's ${known}`)
  }
}

function damaged(root: ModelRoot, what: string): SentorchError {
  return new SentorchError('ERR_MODEL_FORMAT', `The model in ${root.shown} does not pass 'verify': ${what}. Fetch or save it again.`, {
    detail: { folder: root.shown, reason: what },
  })
}

function nothingKnown(root: ModelRoot, why: string): SentorchError {
  return new SentorchError(
    'ERR_INVALID_ARGUMENT',
    `'verify' cannot compare ${root.shown} with anything: ${why}. Load it without 'verify', or verify what model.save or the hub wrote.`,
    { detail: { name: 'verify', folder: root.shown } },
  )
}
