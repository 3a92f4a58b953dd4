import { Model } from '../../lib'
import type { Example } from '../../lib/data/example'
import type { HeadDefinition, HeadTypes } from '../../lib/heads/definition'
import { loadedModelOf } from '../../lib/api/access'
import { randomNumbers } from './random'
import { makeVariant, type Recipe } from './variant'

export const INTENT: HeadDefinition = { name: 'intent', type: 'classification', labels: ['go', 'stop'] }
export const SLOTS: HeadDefinition = { name: 'slots', type: 'token-classification', labels: ['B-place', 'I-place', 'O'] }

/** Sentences whose first word tells the intent, and in which `flows …` is a place. */
export function sentences(count: number, seed = 1): Example[] {
  const random = randomNumbers(seed)
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!
  return Array.from({ length: count }, () => {
    const intent = pick(['go', 'stop'])
    const filler = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(['the', 'towards', 'x', '42']))
    const words = [intent === 'go' ? 'river' : 'ocean', ...filler, 'flows', 'river']
    return { text: words.join(' '), words, labels: { intent, slots: [...words.slice(2).map(() => 'O'), 'B-place', 'I-place'] } }
  })
}

/** The tiny BERT with heads, on one thread. Disposed of by the caller. */
export async function tinyModel(heads: readonly HeadDefinition[] = [INTENT, SLOTS], recipe: Partial<Recipe> = {}): Promise<Model> {
  const model = await Model.load(makeVariant({ base: 'bert', ...recipe }), { device: 'cpu', threads: 1 })
  for (const head of heads) model.addHead(head)
  return model
}

/** Every parameter by its name. A trainer must have been opened on the model. */
export async function weightsOf<H extends HeadTypes>(model: Model<H>): Promise<Map<string, Float32Array>> {
  const { native, folder, heads } = loadedModelOf(model)
  const layers = heads.list.flatMap(({ name, hidden }) =>
    [...hidden, 0].flatMap((_, i) => [`heads.${name}.${i}.weight`, `heads.${name}.${i}.bias`]),
  )
  const names = [...folder.parameters.keys(), ...layers]
  const values = await native.read('value', names)
  return new Map(names.map((name, i) => [name, values[i]!]))
}

/** Names of the parameters whose bits differ. */
export function changed(before: ReadonlyMap<string, Float32Array>, after: ReadonlyMap<string, Float32Array>): string[] {
  const bits = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  return [...before].filter(([name, values]) => !bits(values).equals(bits(after.get(name)!))).map(([name]) => name)
}
