import { join } from 'node:path'
import type * as Sentorch from '../../lib'
import { FIXTURES } from '../support/variant'

test('jest may load the addon again and again in one process', async () => {
  for (let i = 0; i < 3; i++) {
    jest.resetModules()
    const { Model } = jest.requireActual<typeof Sentorch>('../../lib')
    const model = await Model.load(join(FIXTURES, 'models', 'bert'), { device: 'cpu', threads: 1 })
    expect((await model.encode(['a', 'b'])).length).toBe(2)
    if (i > 0) await model.dispose()
  }
})
