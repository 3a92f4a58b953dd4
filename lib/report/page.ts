import { reading } from '../base/arguments'
import { invalid } from '../base/check'
import { typed } from '../files/file-errors'
import { Charts } from './charts'
import { clip, Html, markup, number, quoted, type Content } from './html'
import type { RunRecord } from './record'
import { curves } from './sections/curves'
import { headSections } from './sections/heads'
import { rates } from './sections/rates'
import { recipeSection } from './sections/recipe'
import { similaritySection } from './sections/similarity'
import { STYLE } from './style'

/** Nothing is loaded and nothing runs, whatever the labels and texts contain. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

interface Section {
  id: string
  title: Content
  body: Html
}

/**
 * One HTML page about a training run, from the record that the option `report` of `fit` gives. It needs no network and no scripts, and its size
 * is bounded: long lists and texts are cut, which the page says where it does. ERR_INVALID_ARGUMENT for anything but a record.
 */
export async function reportHtml(record: RunRecord): Promise<string> {
  return typed(async () => {
    const charts = await Charts.load()
    return reading('The record of the run', () => {
      if (record.version !== 1) throw invalid('record.version', '1, as in the records of this version of sentorch', record.version)
      return pageOf(record, charts)
    })
  })
}

function pageOf(record: RunRecord, charts: Charts): string {
  const title = record.title ?? `Training of ${record.model.name.split(/[\\/]/).slice(-2).join('/')}`
  const heads = headSections(record, charts)
  const unevaluated: Section[] =
    record.details.length > 0
      ? heads
      : [
          {
            id: 'heads',
            title: 'Heads',
            body: markup`<p>The run had no evaluation data, so there is nothing to say about predictions on texts that the model was not trained on. Pass some as <code>evaluate</code>.</p>`,
          },
        ]
  const sections: Section[] = [
    { id: 'curves', title: 'Losses and metrics', body: curves(record, charts) },
    { id: 'rates', title: 'Learning rates and freezing', body: rates(record, charts) },
    ...unevaluated,
    { id: 'similarity', title: 'Similarity before and after', body: similaritySection(record, charts) },
    { id: 'recipe', title: 'How to repeat the run', body: recipeSection(record) },
  ]
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${clip(title, 150)}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<h1>${quoted(title, 300)}</h1>
<p class="quiet">${summary(record)}</p>
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main id="content">
${factsOf(record)}
${sections.map(({ id, title, body }) => markup`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>`)}
</main>
<footer><p>Made by sentorch ${record.recipe.versions.sentorch}.</p></footer>
</body>
</html>
`
  return page.text
}

function summary({ startedAt, seconds, data, steps, history, stopped, restored }: RunRecord): string {
  const examples = data.train.reduce((sum, set) => sum + set.examples, 0)
  const end = { epochs: 'after all epochs', maxSteps: 'at the maximum number of steps', earlyStopping: 'by early stopping' }[stopped]
  return `Started ${startedAt.slice(0, 16).replace('T', ' ')} UTC, took ${duration(seconds)}. ${number(history.length)} epochs over ${number(examples)} examples, ${number(steps)} steps; ended ${end}.${restored ? ' The model has the weights of the best evaluation.' : ''}`
}

function duration(seconds: number): string {
  if (seconds < 90) return `${number(seconds, 1)} s`
  return seconds < 5400 ? `${number(seconds / 60, 1)} min` : `${number(seconds / 3600, 1)} h`
}

/** The numbers that a reader looks for first. */
function factsOf(record: RunRecord): Html {
  const { history, evaluations, bestStep } = record
  const best = evaluations.find(({ step }) => step === bestStep)
  const heads = Object.entries(best?.evaluation.metrics ?? {}).map(([name, metrics]): [Content, string] => {
    const isTagger = 'f1' in metrics
    return [markup`<bdi>${clip(name, 40)}</bdi>, ${isTagger ? 'entity F1' : 'accuracy'}`, number(isTagger ? metrics.f1 : metrics.accuracy)]
  })
  const facts: [Content, string][] = [
    ...(best
      ? ([
          ['best score', number(best.evaluation.score)],
          ['reached at step', number(best.step)],
        ] as [Content, string][])
      : []),
    ...heads.slice(0, 12),
    ...(best?.evaluation.frameAccuracy === undefined
      ? []
      : ([['completely correct', number(best.evaluation.frameAccuracy)]] as [Content, string][])),
    ['training loss, last epoch', number(history.at(-1)?.loss)],
    ...(best && best.evaluation.truncated > 0
      ? ([['evaluated texts that were cut', number(best.evaluation.truncated)]] as [Content, string][])
      : []),
    ['skipped steps', number(history.reduce((sum, { skippedSteps }) => sum + skippedSteps, 0))],
  ]
  return markup`<dl class="facts">${facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}
