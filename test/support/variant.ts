import fs from 'node:fs'
import path from 'node:path'
import { scratch } from './scratch'

export const FIXTURES = path.join(__dirname, '..', 'fixtures')

/** A model folder that differs from a committed one in a few files. scripts/golden/variants.py reads the same recipe in the same way. */
export interface Recipe {
  /** A folder of test/fixtures/models. */
  base: string
  /** Folders of test/fixtures/overlays; their files replace the base's. */
  overlays?: string[]
  /** A folder of test/fixtures/tokenizers; replaces all tokenizer files of the base. */
  tokenizer?: string
  /** null removes the file; an array or a new file is written whole; an object changes top-level keys of what is there (null removes a key). */
  files?: Record<string, object | null>
}

const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'vocab.txt', 'vocab.json', 'merges.txt']

/** A BERT with Pooling, Dense and Normalize modules. */
export const BERT_WITH_DENSE: Recipe = {
  base: 'bert',
  overlays: ['bert-dense'],
  files: {
    'modules.json': ['Transformer', 'Pooling', 'Dense', 'Normalize'].map((kind, idx) => ({
      idx,
      name: String(idx),
      path: idx === 0 ? '' : `${idx}_${kind}`,
      type: `sentence_transformers.models.${kind}`,
    })),
  },
}

/** Makes the folder in a temporary place that goes away when the test file ends, and returns its path. */
export function makeVariant(recipe: Recipe): string {
  const folder = scratch('sentorch-variant')
  fs.cpSync(path.join(FIXTURES, 'models', recipe.base), folder, { recursive: true })
  for (const overlay of recipe.overlays ?? []) fs.cpSync(path.join(FIXTURES, 'overlays', overlay), folder, { recursive: true })
  if (recipe.tokenizer !== undefined) {
    for (const name of TOKENIZER_FILES) fs.rmSync(path.join(folder, name), { force: true })
    fs.cpSync(path.join(FIXTURES, 'tokenizers', recipe.tokenizer), folder, { recursive: true })
  }
  for (const [name, change] of Object.entries(recipe.files ?? {})) applyChange(path.join(folder, name), change)
  return folder
}

function applyChange(file: string, change: object | null): void {
  if (change === null) return fs.rmSync(file)
  const merge = !Array.isArray(change) && fs.existsSync(file)
  const content = merge ? { ...(JSON.parse(fs.readFileSync(file, 'utf8')) as object), ...change } : change
  const kept = merge ? Object.fromEntries(Object.entries(content).filter(([, value]) => value !== null)) : content
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, JSON.stringify(kept, null, 2))
}
