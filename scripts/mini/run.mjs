// Makes the bundled model: corpus, teacher's vectors, student, distillation, heads, models/mini with its card. Each step continues where an
// interrupted one stopped.
// usage: node scripts/mini/run.mjs [--data DIR] [--wordnet DIR] [--out DIR] [--teacher DIR] [--python EXECUTABLE] [--threads N]
import fs from 'node:fs'
import path from 'node:path'
import { Explained, main, step } from '../support/console.mjs'
import { inRoot } from '../support/paths.mjs'
import { capture } from '../support/process.mjs'
import { writeCard } from './card.mjs'
import { makeCorpus } from './corpus.mjs'
import { teachHeads } from './heads.mjs'
import { optionsOf } from './options.mjs'
import { pack } from './pack.mjs'
import { PLAN } from './plan.mjs'
import { teach } from './teacher.mjs'
import { distil } from './train.mjs'

await main(async () => {
  const options = optionsOf()
  const { out, python } = options
  const at = (...parts) => path.join(out, ...parts)
  const once = async (title, result, work) => {
    if (!fs.existsSync(result)) await step(title, work)
  }

  await once('Writing the corpus', at('texts.txt'), () => makeCorpus(options))
  await step("Computing the teacher's vectors", () => teach({ ...options, texts: PLAN.texts }))
  await once('Training the vocabulary, writing the student', at('student/modules.json'), async () => {
    const { code, output } = await capture(python, [inRoot('scripts/mini/student.py'), out, at('student')], { cwd: out })
    if (code !== 0) throw new Explained(`student.py failed:\n${output}`)
  })
  await once('Distilling', at('distilled'), () => distil({ ...options, texts: PLAN.texts, epochs: PLAN.epochs }))
  await once('Teaching the heads', at('heads'), () => teachHeads({ ...options, texts: PLAN.headTexts, epochs: PLAN.headEpochs }))
  await step('Writing models/mini', () => pack(options))
  await step('Evaluating, writing the card', () => writeCard(options))
})
