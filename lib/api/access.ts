import type { HeadTypes } from '../heads/definition'
import type { LoadOptions } from '../model/load-options'
import type { LoadedModel } from '../model/loaded-model'
import type { Model } from './model'

/** Access to the private field of `Model` for other files of this package. It is set at run time, because `Model` imports some of them. */
interface ModelAccess {
  load(folder: string, options: LoadOptions): Promise<Model>
  loadedModelOf<H extends HeadTypes>(model: Model<H>): LoadedModel
}

let access: ModelAccess

/** Called once, by the class `Model`. */
export function giveModelAccess(given: ModelAccess): void {
  access = given
}

/** `Model.load`, with what its private field holds. */
export async function loadWithAccess(folder: string, options: LoadOptions): Promise<{ model: Model; loaded: LoadedModel }> {
  const model = await access.load(folder, options)
  return { model, loaded: loadedModelOf(model) }
}

/** The loaded model of a `Model`. */
export function loadedModelOf<H extends HeadTypes>(model: Model<H>): LoadedModel {
  return access.loadedModelOf(model)
}
