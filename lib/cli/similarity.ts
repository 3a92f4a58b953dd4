import type { Command } from 'commander'
import { readLines } from '../base/text'
import { examples, interruptible, misuse } from './console'
import { print } from './lines'
import { addModelFlags, loadModel, type ModelFlags } from './load'
import { scoreText, textTable } from './table'

export function register(program: Command): void {
  const command = program
    .command('similarity')
    .description('Compare texts with each other by the vectors of a model: every pair, by the measure of the model.')
    .argument('[texts...]', 'two or more texts; without any, one per line of stdin')
  addModelFlags(command).option('--json', 'print the texts and the matrix as JSON')
  examples(command, [
    ['two texts', `sentorch similarity --model my-model 'a cat sleeps' 'a kitten naps'`],
    ['all lines of a file', 'sentorch similarity --model my-model --json < texts.txt'],
  ]) // prettier-ignore
  command.action(async (given: string[], { json, model: where, dtype, device, threads }: ModelFlags & { json?: boolean }) => {
    const texts = given.length > 0 ? given : await linesOfStdin()
    if (texts.length < 2) misuse(command, 'similarity compares two or more texts.')
    await interruptible(async (signal) => {
      const model = await loadModel(where, { dtype, device, threads, signal })
      try {
        const vectors = await model.encode(texts, { signal })
        const matrix = model.similarity(vectors, vectors).toArray()
        await print(json ? JSON.stringify({ measure: model.info.similarity, texts, similarity: matrix }) : matrixText(texts, matrix))
      } finally {
        await model.dispose()
      }
    })
  })
}

export async function linesOfStdin(): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of readLines(process.stdin, 'stdin')) if (text !== '') texts.push(text)
  return texts
}

/** One number for two texts, otherwise a numbered matrix with the texts below it. */
export function matrixText(texts: readonly string[], matrix: readonly (readonly number[])[]): string {
  if (texts.length === 2) return scoreText(matrix[0]![1])
  const rows = matrix.map((row, i) => [String(i + 1), ...row.map(scoreText)])
  return [textTable([['', ...texts.map((_, i) => String(i + 1))], ...rows]), '', ...texts.map((text, i) => `${i + 1}  ${text}`)].join('\n')
}
