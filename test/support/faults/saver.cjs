// Under the shim: saves again and again while calls fail, or until one of them ends the process. Cases come as lines of JSON on stdin, each is
// answered by one; see `Saver` for what a case is.
'use strict'
const readline = require('node:readline')
const { Control } = require('./shim.cjs')
const { Saver } = require('./saves.cjs')

const [source, root] = process.argv.slice(2)

async function main() {
  const control = new Control(process.env.SHIM_CONTROL)
  const saver = new Saver(source, root)
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { at = 0, errno = 0, sticky = false, exchange, ...what } = JSON.parse(line)
    const save = await saver.prepare(what)
    control.set({ enabled: true, at: at || 2 ** 30, errno, sticky, noExchange: !exchange })
    const outcome = await save()
    const counted = control.read()
    control.set({ noExchange: !exchange })
    const problem = await saver.check(outcome)
    console.log(JSON.stringify({ ...counted, outcome, problem }))
  }
  await saver.close()
}
void main()
