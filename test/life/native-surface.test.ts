import { join } from 'node:path'
import { runProgram } from '../support/child'
import { FIXTURES } from '../support/variant'

test.each(['bert', 'mpnet'])('%s: every wrong type, and every wrong size or sign that memory depends on, is refused', async (name) => {
  const ending = await runProgram('native-surface', {}, [join(FIXTURES, 'models', name)])
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ending.stdout).toMatch(/^refused \d{4,}\n$/)
})

test('a model that is loaded before libtorch was opened is refused', async () => {
  const ending = await runProgram('loads-unopened', {}, [join(FIXTURES, 'models', 'bert')])
  expect(ending).toEqual({ code: 0, signal: null, stderr: '', stdout: 'ERR_INTERNAL libtorch was not opened.\n' })
})
