import type { PostStep } from '../../binding'
import { describe } from '../base/check'
import { SentorchError } from '../base/errors'
import { Fields } from '../files/fields'
import { readJson } from '../files/read'
import { trimPath } from '../base/trim'
import { readDense, readNormalize, readPooling } from './module-configs'
import { checkRelative, type ModelRoot } from '../files/paths'
import { printable } from '../base/printable'
import { promptsWith, readPrompts } from './prompts'
import type { DenseModule, SentenceModules } from './sentence-modules'
import { readTokenLimits } from './token-limits'

interface ModuleEntry {
  kind: string
  path: string
}

const MODULES = 'modules.json'
const SUPPORTED = ['Transformer', 'Pooling', 'Dense', 'Normalize', 'Dropout']

/** `sentence_transformers.models.Pooling`, `sentence_transformers.sentence_transformer.modules.pooling.Pooling`, … */
const CLASS = /^sentence_transformers\.(?:models|base\.modules|sentence_transformer\.modules)\.(?:\w+\.)?(\w+)$/

/**
 * Reads modules.json and what it names. ERR_MODEL_UNSUPPORTED names the module or the setting that is not built,
 * ERR_UNSAFE_MODEL a path that leaves the folder.
 */
export async function readModules(root: ModelRoot): Promise<SentenceModules> {
  const json = await readJson(root, MODULES)
  if (json === undefined) return impliedModules(root)
  const [transformer, ...rest] = readEntries(json, root)
  if (transformer?.kind !== 'Transformer') throw unsupported(root, `begins with ${transformer?.kind ?? 'nothing'} instead of a Transformer`)
  const [limits, prompts] = await Promise.all([readTokenLimits(root, transformer.path), readPrompts(root)])
  return { transformerPath: transformer.path, ...limits, ...(await readPipeline(root, rest)), ...prompts, implied: false }
}

async function readPipeline(
  root: ModelRoot,
  entries: readonly ModuleEntry[],
): Promise<Pick<SentenceModules, 'pooling' | 'poolingFeatures' | 'includePrompt' | 'steps' | 'dense'>> {
  const pooling = entries[0]
  if (pooling?.kind !== 'Pooling') {
    throw unsupported(
      root,
      `has ${pooling ? `${pooling.kind} before` : 'no'} Pooling; vectors of single tokens are not what it is loaded for`,
    )
  }
  const steps: PostStep[] = []
  const dense: DenseModule[] = []
  for (const { kind, path } of entries.slice(1)) {
    // Dropout does nothing outside training.
    if (kind === 'Dropout') continue
    if (kind === 'Normalize') {
      await readNormalize(root, path)
      steps.push('normalize')
    } else if (kind === 'Dense') {
      steps.push(dense.push(await readDense(root, path)) - 1)
    } else {
      throw unsupported(root, `has a second ${kind} module`)
    }
  }
  return { ...(await readPooling(root, pooling.path)), steps, dense }
}

function readEntries(json: unknown, root: ModelRoot): ModuleEntry[] {
  const where = `${MODULES} in ${root.shown}`
  if (!Array.isArray(json))
    throw new SentorchError('ERR_MODEL_FORMAT', `Expected a list of modules in ${where}, received ${describe(json)}.`)
  return json.map((entry, i) => {
    const fields = new Fields(entry, `module ${i} of ${where}`)
    const type = fields.string('type')
    const path = fields.string('path', '')
    checkRelative(root, path, MODULES)
    const kind = CLASS.exec(type)?.[1]
    if (kind === undefined || !SUPPORTED.includes(kind)) {
      const what = `is ${printable(type)}, which is not supported. Supported modules are ${SUPPORTED.join(', ')}`
      throw new SentorchError('ERR_MODEL_UNSUPPORTED', `Module ${i} of ${where} ${what}.`, { detail: { file: MODULES, type } })
    }
    return { kind, path: trimPath(path).replace(/^\.$/, '') }
  })
}

async function impliedModules(root: ModelRoot): Promise<SentenceModules> {
  const { maxSeqLength } = await readTokenLimits(root, '', { tokenizerOnly: true })
  return {
    transformerPath: '',
    ...(maxSeqLength !== undefined && { maxSeqLength }),
    doLowerCase: false,
    pooling: ['mean'],
    includePrompt: true,
    steps: [],
    dense: [],
    prompts: promptsWith([]),
    implied: true,
  }
}

function unsupported(root: ModelRoot, what: string): SentorchError {
  return new SentorchError('ERR_MODEL_UNSUPPORTED', `${MODULES} in ${root.shown} ${what}.`, { detail: { file: MODULES } })
}
