import type { Command } from 'commander'
import type { HeadMetrics } from '../heads/kind'
import { formatReport } from '../metrics'
import type { Evaluation } from '../training/evaluation/outcomes'
import { examples, interruptible } from './console'
import { addDataFlags, type DataFlags } from './data-formats'
import { print } from './lines'
import { addModelFlags, loadModel, type ModelFlags } from './load'
import { scoreText, textTable } from './table'

interface EvaluateFlags extends ModelFlags, DataFlags {
  data: string
  strict?: boolean
  json?: boolean
}

export function register(program: Command): void {
  const command = program.command('evaluate').description('Measure how well the heads of a model predict labelled data.')
  addModelFlags(command).requiredOption('--data <file>', 'labelled data: a file, or a folder with seq.in, seq.out and label')
  addDataFlags(command)
    .option('--strict', 'entities: count only those whose tags are well formed in the scheme of the head')
    .option('--json', 'print the evaluation as JSON')
  examples(command, [
    ['a table for each head', 'sentorch evaluate --model my-model --data test.jsonl'],
    ['one number, with jq', 'sentorch evaluate --model my-model --data test.conll --json | jq .metrics.slots.f1'],
  ]) // prettier-ignore
  command.action(async ({ data, strict = false, json, format, reader, model: where, dtype, device, threads }: EvaluateFlags) => {
    const { openData } = await import('./data-files.js')
    await interruptible(async (signal) => {
      const dataset = await openData(data, { format, reader, signal })
      const model = await loadModel(where, { dtype, device, threads, signal })
      try {
        const evaluation = await model.evaluate(dataset, { signal })
        await print(json ? JSON.stringify(evaluation, null, 2) : evaluationText(evaluation, strict))
      } finally {
        await model.dispose()
      }
    })
  })
}

/** A report for each head as scikit-learn or seqeval prints it, and a summary. */
export function evaluationText(evaluation: Evaluation, strict: boolean): string {
  const { metrics, frameAccuracy, score, examples, truncated } = evaluation
  const reports = Object.entries(metrics).map(([name, measured]) => `${name}\n${formatReport(measured, { digits: 4 })}`)
  const heads = Object.entries(metrics).map(([name, measured]) => [name, ...summaryOf(measured, strict).map(scoreText)])
  const summary = textTable([['', 'loss', 'accuracy', 'precision', 'recall', strict ? 'strict F1' : 'F1'], ...heads])
  const whole = frameAccuracy === undefined ? '' : `, frame accuracy ${scoreText(frameAccuracy)}`
  const cut = truncated > 0 ? `; ${truncated} were cut to the maximum length` : ''
  return `${reports.join('\n')}\n${summary}\n\n${examples.toLocaleString('en-US')} examples${cut}: score ${scoreText(score)}${whole}\n`
}

function summaryOf(measured: HeadMetrics, strict: boolean): (number | undefined)[] {
  const { loss, accuracy } = measured
  if (!('types' in measured)) return [loss, accuracy, measured.micro?.precision, measured.micro?.recall, measured.macroF1]
  const { precision, recall, f1 } = (strict ? measured.strict : measured) ?? {}
  return [loss, accuracy, precision, recall, f1]
}
