import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startProgram } from '../support/child'
import { Trainer } from '../../lib'
import { scratch } from '../support/scratch'
import { FIXTURES } from '../support/variant'

const LOAD = { device: 'cpu', threads: 1 } as const

test('killed at any moment, a run leaves the last whole checkpoint, and the next run clears away what lies beside', async () => {
  const dir = join(scratch(), 'checkpoint')
  for (let i = 0; i < 8; i++) {
    const { child, ending } = startProgram('saves-checkpoints', {}, [join(FIXTURES, 'models', 'bert'), dir])
    let saved = 0
    child.stdout.on('data', (text: string) => (saved = Number(text.trim().split('\n').at(-1))))
    while (saved < 2 && child.exitCode === null) await delay(5)
    await delay(7 * i)
    child.kill('SIGKILL')
    expect(await ending).toMatchObject({ signal: 'SIGKILL', stderr: '' })

    const trainer = await Trainer.resume(dir, { load: LOAD })
    // What was told before the kill had been saved; the save after it may have been whole too.
    expect([saved, saved + 1]).toContain(trainer.position.applied)
    if (i === 7) await trainer.saveCheckpoint(dir)
    await trainer.model.dispose()
    expect(existsSync(join(dir, 'trainer.json'))).toBe(true)
  }
  expect(readdirSync(dirname(dir))).toEqual(['checkpoint'])
}, 240_000)
