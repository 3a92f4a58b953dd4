/** Console output of the scripts: steps, notes and explained errors. Plain text in a pipe, colours on a terminal. */
const colours = process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
const paint = (code) => (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text)

export const bold = paint(1)
export const dim = paint(2)
export const red = paint(31)
export const green = paint(32)
export const cyan = paint(36)

/** An error that needs no stack trace: the message says what is missing and what to do. */
export class Explained extends Error {}

/** Announces a step, runs it, and prints how long it took. */
export async function step(title, work) {
  console.log(`${cyan('▸')} ${bold(title)}`)
  const start = performance.now()
  const result = await work()
  console.log(`  ${dim(`done in ${seconds(performance.now() - start)}`)}`)
  return result
}

/** Reports a step that was already done. */
export function ready(text) {
  console.log(`${green('✓')} ${text}`)
}

export function note(text) {
  console.log(`  ${text}`)
}

export function seconds(milliseconds) {
  return milliseconds < 60_000
    ? `${(milliseconds / 1000).toFixed(1)} s`
    : `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`
}

/** Runs the body of a script. An explained error prints only its message, any other error its stack; both exit with 1. */
export async function main(body) {
  try {
    await body()
  } catch (error) {
    const explained = error instanceof Explained || error?.name === 'SentorchError'
    console.error(`\n${red('✗')} ${explained ? error.message : (error?.stack ?? error)}`)
    process.exitCode = 1
  }
}
