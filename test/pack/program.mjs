import { Model } from 'sentorch'
import { report } from './report.cjs'

// Never disposed: an idle model must not keep the process alive.
const model = await Model.load(process.argv[2])
report(await model.encode(process.argv.slice(3)))
