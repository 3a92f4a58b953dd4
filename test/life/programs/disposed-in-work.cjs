// dispose() during work, twice, then natural end; each promise settles once.
'use strict'
const { load, busy } = require('./prepare.cjs')
load().then(async (model) => {
  const work = busy(model).then(
    () => 'resolved',
    (error) => error.code,
  )
  await new Promise((resolve) => setTimeout(resolve, 60))
  await Promise.all([model.dispose(), model.dispose()])
  const late = await model.encode('late').catch((error) => error.code)
  console.log(await work, late)
})
