import type { HeadTypes } from '../heads/definition'
import type { LoadOptions } from '../model/load-options'
import type { ModelParts } from '../model/parts'
import type { Model } from './model'

/** What `Model` lets other files of this package have of it. It is given at run time, since `Model` itself imports some of them. */
interface ModelAccess {
  load(folder: string, options: LoadOptions): Promise<Model>
  partsOf<H extends HeadTypes>(model: Model<H>): ModelParts
}

let access: ModelAccess

/** Called once, where the class `Model` is defined. */
export function giveModelAccess(given: ModelAccess): void {
  access = given
}

/** `Model.load`, with the parts of what it loads. */
export async function loadWithParts(folder: string, options: LoadOptions): Promise<{ model: Model; parts: ModelParts }> {
  const model = await access.load(folder, options)
  return { model, parts: partsOf(model) }
}

/** What a `Model` is made of. */
export function partsOf<H extends HeadTypes>(model: Model<H>): ModelParts {
  return access.partsOf(model)
}
