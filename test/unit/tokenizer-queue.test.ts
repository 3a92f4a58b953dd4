import { SentorchError } from '../../lib/base/errors'
import { TextQueue } from '../../lib/tokenizer/queue'

/** Answers with the length of each text; remembers its chunks, and how many were under way at most. */
function queueOf(refuse = '') {
  const chunks: string[][] = []
  let [running, most] = [0, 0]
  const queue = new TextQueue<number>(async (texts) => {
    chunks.push(texts)
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    running--
    if (refuse !== '' && texts.includes(refuse)) throw new Error(`not ${refuse}`)
    return texts.map((text) => text.length)
  })
  return { queue, chunks, most: () => most }
}

test('a chunk has at most 16,384 characters, or one text; one is under way at a time', async () => {
  const { queue, chunks, most } = queueOf()
  const lengths = [8000, 8000, 384, 1, 20_000, 5]
  expect(await Promise.all(lengths.map((length) => queue.submit('x'.repeat(length), false)))).toEqual(lengths)
  expect(chunks.map((texts) => texts.map((text) => text.length))).toEqual([[8000, 8000, 384], [1], [20_000], [5]])
  expect(most()).toBe(1)
})

test('a text that fails does not fail those that travel with it', async () => {
  const { queue } = queueOf('bad')
  const settled = await Promise.allSettled(['a', 'bad', 'bb', 'bad'].map((text) => queue.submit(text, false)))
  expect(settled.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)))).toEqual([
    1,
    'Error: not bad',
    2,
    'Error: not bad',
  ])
})

test('texts that were given up before their turn are not tokenized', async () => {
  const { queue, chunks } = queueOf()
  const controller = new AbortController()
  const first = queue.submit('x'.repeat(16_384), false)
  const given = queue.submit('given up', false, controller.signal)
  const other = queue.submit('other', false)
  controller.abort()
  await expect(given).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(await Promise.all([first, other])).toEqual([16_384, 5])
  expect(chunks.flat()).not.toContain('given up')
})

test('what waits, and what comes later, is rejected when the queue closes; what is under way is answered', async () => {
  const { queue } = queueOf()
  const running = queue.submit('x'.repeat(16_384), false)
  const waiting = queue.submit('waiting', false)
  await Promise.resolve()
  await Promise.resolve()
  queue.close(new SentorchError('ERR_DISPOSED', 'closed'))
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  await expect(queue.submit('later', false)).rejects.toMatchObject({ code: 'ERR_DISPOSED' })
  expect(await running).toBe(16_384)
})

test('thousands of texts are answered each with its own', async () => {
  const { queue } = queueOf()
  const lengths = Array.from({ length: 5000 }, (_, i) => 1 + (i % 97))
  expect(await Promise.all(lengths.map((length) => queue.submit('y'.repeat(length), false)))).toEqual(lengths)
})
