// Saves a model over itself again and again until the process ends: killed, or by process.exit().
'use strict'
const { load } = require('./prepare.cjs')
const [, , folder, how, ms] = process.argv

load().then(async (model) => {
  model.addHead({ name: 'intent', type: 'classification', labels: ['a', 'b'] })
  await model.save(folder)
  setTimeout(() => (how === 'kill' ? process.kill(process.pid, 'SIGKILL') : process.exit(3)), Number(ms))
  for (;;) await model.save(folder, { overwrite: true })
})
