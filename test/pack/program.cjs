const { Model } = require('sentorch')
const { report } = require('./report.cjs')

async function main() {
  await using(await Model.load(process.argv[2]), async (model) => report(await model.encode(process.argv.slice(3)), true))
}

async function using(model, work) {
  try {
    await work(model)
  } finally {
    await model.dispose()
  }
}

main()
