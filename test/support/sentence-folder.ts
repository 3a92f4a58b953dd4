import { openFolder, type ModelFolder } from '../../lib/format/folder'
import { safetensors } from './safetensors'
import { folderOf } from './scratch'
import { sentenceFiles, TINY, type ModuleFiles } from './tiny-folder'

/** Opens a folder of `sentenceFiles`. */
export async function openSentence(more: Partial<ModuleFiles> = {}): Promise<ModelFolder> {
  return openFolder(folderOf(sentenceFiles(more)))
}

/** The files of a Dense module in `2_Dense`. */
export function denseFiles(config: Record<string, unknown> = {}, inFeatures = TINY.hidden, outFeatures = 3): Record<string, unknown> {
  return {
    '2_Dense/config.json': { in_features: inFeatures, out_features: outFeatures, ...config },
    '2_Dense/model.safetensors': safetensors({
      'linear.weight': { shape: [outFeatures, inFeatures] },
      ...(config.bias === false ? {} : { 'linear.bias': { shape: [outFeatures] } }),
    }),
  }
}
