import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { packageRoot } from '../native/addon'

/** Models that are part of the package, by name: the folder below `models`. */
const BUNDLED: ReadonlyMap<string, string> = new Map([['sentorch:mini', 'mini']])

/** A name of this form is never a hub id, and a folder is only reached as `./sentorch:…`. */
const SCHEME = 'sentorch:'

/** The folder of a bundled model; undefined if the name does not have the form of one. Throws ERR_MODEL_NOT_FOUND for an unknown name. */
export function bundledFolder(where: string): string | undefined {
  if (!where.startsWith(SCHEME)) return undefined
  const name = BUNDLED.get(where)
  const known = [...BUNDLED.keys()].map((key) => `'${key}'`).join(', ')
  if (name === undefined) {
    throw new SentorchError(
      'ERR_MODEL_NOT_FOUND',
      `${describe(where)} is not a bundled model. Bundled: ${known}. For a folder of that name, pass './${where}'.`,
      { detail: { where } },
    )
  }
  const folder = join(packageRoot, 'models', name)
  if (existsSync(folder)) return folder
  throw new SentorchError(
    'ERR_MODEL_NOT_FOUND',
    `The bundled model ${where} is missing from this installation: ${folder} does not exist. Reinstall sentorch.`,
    {
      detail: { where, folder },
    },
  )
}
