import { clip, markup, number, quoted, table, type Content, type Html } from '../html'
import type { Recipe, RunRecord } from '../record'

/** Longest JSON that is shown of options: a rule may list thousands of parameter names. */
const LONGEST = 20_000

/** What is needed to repeat the run. */
export function recipeSection({ recipe, model, data, heads, command }: RunRecord): Html {
  const { seed, options, resolved, dataDependent, fit, versions, machine } = recipe
  const facts: [string, Content][] = [
    ['model', markup`${quoted(model.name, 300)}${model.commit === undefined ? undefined : ` at ${model.commit}`}`],
    ...(model.fingerprint === undefined ? [] : [['fingerprint of the model', model.fingerprint] as [string, Content]]),
    ['seed', String(seed)],
    ...Object.entries(versions),
    ['platform', machine.platform],
    ['device', `${machine.device}, ${machine.threads} threads, ${machine.dtype}`],
  ]
  const sets = [
    ...data.train.map((set) => ({ use: 'training', ...set })),
    ...(data.evaluate ?? []).map((set) => ({ use: 'evaluation', ...set })),
  ]
  const files = sets.map(({ use, name, examples, fingerprint }) => [
    quoted(name, 120),
    use,
    number(examples),
    markup`<code>${fingerprint.slice(0, 16)}</code>`,
  ])
  return markup`${command === undefined ? undefined : markup`<h3>Command</h3><pre>${clip(command, LONGEST)}</pre>`}
${table({ caption: 'Model and versions', columns: ['what', 'value'], rows: facts, numbersFrom: 2 })}
${table({ caption: 'Data (fingerprint: start of the SHA-256 of tokens and labels)', columns: ['data set', 'use', 'examples', 'fingerprint'], rows: files, numbersFrom: 2 })}
${chosenTable(dataDependent)}${json('Options of the trainer, as given', options)}${json('Options of fit', fit)}
<details><summary>Heads</summary>${json('', heads)}</details><details><summary>All options with their defaults</summary>${json('', resolved)}</details>`
}

/** Values that were chosen from the data need not be given to repeat the run, but a run on other data may get others. */
function chosenTable(used: Recipe['dataDependent']): Html | undefined {
  if (!used) return undefined
  const { chosen, ...values } = used
  const rows = Object.entries(values).map(([name, value]) => [
    name,
    value !== null && value < 0.1 ? value.toExponential(2) : number(value),
    name === 'warmupSteps'
      ? 'from the schedule'
      : (chosen as readonly string[]).includes(name)
        ? 'chosen from the data'
        : 'given as an option',
  ])
  return table({ caption: 'Values that depend on the amount of data', columns: ['option', 'value', 'origin'], rows })
}

function json(title: string, value: unknown): Html {
  const text = clip(JSON.stringify(value, null, 2), LONGEST)
  return markup`${title === '' ? undefined : markup`<h3>${title}</h3>`}<pre>${text}</pre>`
}
