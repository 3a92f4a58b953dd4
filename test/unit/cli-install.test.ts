import { main } from '../../lib/cli/main'
import { SentorchError } from '../../lib/base/errors'
import { installLibtorch } from '../../lib/libtorch/install'
import { withEnvironment } from '../support/environment'
import { redrawn, terminal } from '../support/terminal'

jest.mock('../../lib/libtorch/install')

test.each([
  ['is done', 0],
  ['fails', 1],
])('the bar of an installation that %s is taken away', async (_, code) => {
  const { written, stream } = terminal()
  const { stderr } = process
  withEnvironment({ SENTORCH_LIBTORCH: undefined })
  jest.mocked(installLibtorch).mockImplementation(async ({ onEvent } = {}) => {
    onEvent?.({ type: 'progress', stage: 'download', loaded: 1, total: 2 })
    if (code === 0) return { version: '1', root: '/there' } as Awaited<ReturnType<typeof installLibtorch>>
    throw new SentorchError('ERR_DOWNLOAD', 'no answer')
  })
  const out = jest.spyOn(process.stdout, 'write').mockReturnValue(true)
  Object.defineProperty(process, 'stderr', { value: stream, configurable: true })
  try {
    process.exitCode = undefined
    await main(['node', 'sentorch', 'install-libtorch'])
    expect(Number(process.exitCode ?? 0)).toBe(code)
    expect(written.join('')).toMatch(/downloading .*50%/)
    written.length = 0
    await redrawn()
    expect(written).toEqual([])
    expect(out.mock.calls).toEqual(code === 0 ? [['libtorch 1 is ready: /there\n']] : [])
  } finally {
    Object.defineProperty(process, 'stderr', { value: stderr, configurable: true })
    out.mockRestore()
    process.exitCode = undefined
  }
})
