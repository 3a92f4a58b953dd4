// Under the preloaded test/support/shims/allocations.cc: each native operation is run once for every allocation that it
// makes, and that one fails. Prints what was found, as JSON.
// usage: out-of-memory.cjs OPERATION once|forever [STRIDE]      with a stride: every so many allocations
'use strict'
const fs = require('node:fs')
const { openNative } = require('../../../dist/libtorch/open.js')
const { openFolder } = require('../../../dist/format/folder.js')

const folder = process.env.SENTORCH_LIFE_MODEL
const [operation, how, stride = '1'] = process.argv.slice(2)
const control = fs.openSync(process.env.SENTORCH_ALLOCATIONS, 'r+')

function arm(at) {
  fs.writeSync(control, new Uint8Array(BigInt64Array.of(BigInt(at), how === 'forever' ? 1n : 0n, 0n, 0n).buffer), 0, 32, 0)
}

function state() {
  const numbers = new BigInt64Array(4)
  fs.readSync(control, new Uint8Array(numbers.buffer), 0, 32, 0)
  return { counted: Number(numbers[2]), failed: Number(numbers[3]) }
}

const seen = { operation, how, allocations: 0, codes: {}, wrong: [] }

/** Runs `work` with its 1st, 2nd, … allocation failing, until it makes no more. `check` says what is wrong afterwards; it may allocate. */
async function forEachAllocation(work, check) {
  for (let at = 1; ; at += Number(stride)) {
    arm(at)
    const outcome = await work().then(
      () => 'done',
      (error) => error.code ?? String(error),
    )
    const fired = state().failed > 0
    arm(0)
    if (fired || outcome !== 'done') seen.codes[outcome] = (seen.codes[outcome] ?? 0) + 1
    const wrong = await check(outcome)
    if (wrong) seen.wrong.push(`allocation ${at}: ${wrong}`)
    if (!fired) return
    seen.allocations = at
  }
}

/** The bytes of all arrays. */
const bits = (...arrays) =>
  Buffer.concat(arrays.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)))

let tasks = 1
const ids = Int32Array.from({ length: 40 }, (_, i) => 5 + ((i * 37) % 50))
const offsets = Int32Array.of(0, 9, 20, 26, 34, 40)
const vectors = { pooling: ['mean', 'max'], promptTokens: 0, steps: [], truncateDim: 0, normalizeLast: true }
const rows = () => ({ task: tasks++, ids, offsets, batchTokens: 16 })

async function loaded(addon, request) {
  const model = new addon.Model()
  await model.load(request)
  return model
}

async function main() {
  const { addon } = await openNative()
  const { files, encoder: whole, dense } = await openFolder(folder)
  // One layer has every kind of allocation.
  const encoder = { ...whole, layers: whole.layers.slice(0, 1) }
  const request = { files, encoder, dense, dtype: 'float32', device: 'cpu', threads: 1, kernels: 'auto' }
  const half = { ...request, dtype: 'bfloat16' }
  const shape = { activation: 'tanh', pooling: ['mean'], steps: [], inputs: encoder.hiddenSize, layers: null, files: [], seed: 3 }
  const intent = { ...shape, name: 'intent', type: 'classification', sizes: [7, 3] }
  const slots = { ...shape, name: 'slots', type: 'token-classification', sizes: [4], pooling: [] }
  const task = { type: 'head', loss: 'cross-entropy', weight: 1, labelSmoothing: 0, classWeights: null, inputDropout: 0.1, dropout: 0.1 }
  const training = {
    files,
    encoder,
    dense,
    hiddenDropout: 0.1,
    attentionDropout: 0.1,
    attentionOutputDropout: 0.1,
    dtype: 'float32',
    seed: 0,
    gradientCheckpointing: false,
    optimizer: { type: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    maxGradNorm: 1,
    objectives: [
      { ...task, head: 'intent' },
      { ...task, head: 'slots' },
    ],
    uncertainty: true,
    cacheBytes: 1 << 20,
  }
  const labels = [Int32Array.from({ length: 5 }, (_, i) => i % 3), Int32Array.from({ length: 40 }, (_, i) => i % 4)]
  const corpus = { ids, offsets, targets: labels }
  const order = Int32Array.from({ length: 5 }, (_, i) => i)
  const step = (more = {}) => ({
    ...{ task: tasks++, order, batches: Int32Array.of(0, 3, 5), steps: Int32Array.of(0, 2), multipliers: Float64Array.of(1) },
    ...{ weights: null, firstStep: 0, milliseconds: 0, apply: true, ...more },
  })

  const encoded = async (model) => bits((await model.encode({ ...rows(), ...vectors })).values)
  const predicted = async (model) => bits(...(await model.predict({ ...rows(), heads: ['intent', 'slots'], embedding: vectors })).logits)

  /** A model with heads and an open trainer of all its parameters. */
  async function trainer(more = {}, from = request) {
    const model = await loaded(addon, from)
    for (const head of [intent, slots]) await model.addHead(head)
    const { parameters } = await model.startTraining({ ...training, ...more })
    const names = parameters.map(({ name }) => name)
    const heads = parameters.flatMap(({ part }, i) => (part === 'head' ? [i] : []))
    const groups = (places) => [{ parameters: places, learningRate: 1e-3, weightDecay: 0.01, clip: true }]
    await model.setCorpus(corpus)
    const all = parameters.map((_, i) => i)
    await model.setGroups(groups(more.headsOnly ? heads : all))
    const state = async () => {
      const arrays = []
      for (const value of ['value', 'exp_avg', 'exp_avg_sq']) arrays.push(...(await model.read(value, names)))
      return bits(...arrays, await model.optimizerSteps())
    }
    return { model, names, parameters, heads, all, groups, state }
  }

  /** Steps of which each fails once and is then run again, against the same steps without any failure. `fresh`: without moments at first. */
  async function steps(more, { fresh = false } = {}) {
    const [one, other] = [await trainer(more), await trainer(more)]
    const begin = async ({ model, groups, all, heads }) => {
      if (!fresh) return
      await model.setGroups([])
      await model.setGroups(groups(more.headsOnly ? heads : all))
    }
    let n = 0
    await begin(one)
    let before = await one.state()
    await forEachAllocation(
      () => one.model.train(step({ firstStep: n })),
      async (outcome) => {
        let wrong
        if (outcome !== 'done') {
          if (!before.equals(await one.state())) wrong = 'a part of the step was applied'
          await one.model.train(step({ firstStep: n }))
        }
        await begin(other)
        await other.model.train(step({ firstStep: n }))
        n++
        if (!(await one.state()).equals(await other.state())) wrong ??= 'the retry gave other bits'
        await begin(one)
        before = await one.state()
        return wrong
      },
    )
  }

  const operations = {
    async load() {
      let model
      const expected = await encoded(await loaded(addon, request))
      await forEachAllocation(
        () => (model = new addon.Model()).load(request),
        async (outcome) => {
          const wrong = outcome === 'done' && !expected.equals(await encoded(model)) ? 'other vectors' : undefined
          await model.dispose()
          return wrong
        },
      )
      const memory = () => process.memoryUsage().rss
      const before = memory()
      for (let i = 0; i < 200; i++) {
        arm(30 + (i % 10))
        await (model = new addon.Model()).load(request).catch(() => {})
        arm(0)
        await model.dispose()
      }
      seen.kept = memory() - before
    },
    async encode() {
      const model = await loaded(addon, request)
      const expected = await encoded(model)
      await forEachAllocation(
        () => encoded(model),
        async () => (expected.equals(await encoded(model)) ? undefined : 'other vectors'),
      )
    },
    async 'encode-bfloat16'() {
      const model = await loaded(addon, half)
      const expected = await encoded(model)
      await forEachAllocation(
        () => encoded(model),
        async () => (expected.equals(await encoded(model)) ? undefined : 'other vectors'),
      )
    },
    // The weights of the products are made anew after a step.
    async 'predict-after-step'() {
      const { model, groups, all } = await trainer()
      await model.setGroups(groups(all).map((group) => ({ ...group, learningRate: 0 })))
      const expected = await predicted(model)
      await model.train(step())
      await forEachAllocation(
        () => predicted(model),
        async () => {
          const wrong = expected.equals(await predicted(model)) ? undefined : 'other logits'
          await model.train(step())
          return wrong
        },
      )
    },
    'first-step': () => steps({}, { fresh: true }),
    'later-step': () => steps({}),
    // A call of two steps tells of the first one where the second fails.
    async 'second-step'() {
      const [one, other] = [await trainer(), await trainer()]
      let result
      await forEachAllocation(
        async () => {
          result = undefined
          const plan = { batches: Int32Array.of(0, 3, 5), steps: Int32Array.of(0, 1, 2), multipliers: Float64Array.of(1, 1) }
          result = await one.model.train({ ...step(), ...plan, milliseconds: 1e6 })
        },
        async () => {
          const done = result?.steps ?? 0
          seen.done = [...new Set([...(seen.done ?? []), done])]
          for (let i = 0; i < done; i++) {
            const plan = { batches: i ? Int32Array.of(3, 5) : Int32Array.of(0, 3), steps: Int32Array.of(0, 1) }
            await other.model.train({ ...step({ firstStep: i }), ...plan })
          }
          return (await one.state()).equals(await other.state()) ? undefined : `other bits than those of ${done} steps`
        },
      )
    },
    'step-bfloat16-checkpointing': () => steps({ dtype: 'bfloat16', gradientCheckpointing: true }, { fresh: true }),
    'step-of-heads': () => steps({ headsOnly: true }, { fresh: true }),
    async groups() {
      const { model, groups, all, heads, state } = await trainer()
      const other = await trainer()
      await forEachAllocation(
        () => model.setGroups(groups(heads)),
        async () => {
          // Whichever groups it has, a step leaves no parameter out.
          await model.setGroups(groups(all))
          await other.model.setGroups(groups(heads))
          await other.model.setGroups(groups(all))
          for (const each of [model, other.model]) await each.train(step())
          return (await state()).equals(await other.state()) ? undefined : 'other bits'
        },
      )
    },
    async start() {
      const model = await loaded(addon, request)
      for (const head of [intent, slots]) await model.addHead(head)
      const expected = await encoded(model)
      await forEachAllocation(
        async () => {
          await model.startTraining(training)
          await model.setCorpus(corpus)
        },
        async () => {
          await model.endTraining()
          return expected.equals(await encoded(model)) ? undefined : 'other vectors'
        },
      )
    },
    async heads() {
      const model = await loaded(addon, request)
      await model.addHead(slots)
      await model.addHead(intent)
      const expected = await predicted(model)
      await model.removeHead('intent')
      let isThere = false
      await forEachAllocation(
        () => model.addHead(intent).then(() => (isThere = true)),
        async () => {
          if (!isThere) await model.addHead(intent)
          const wrong = expected.equals(await predicted(model)) ? undefined : 'other logits'
          await model.removeHead('intent')
          isThere = false
          return wrong
        },
      )
    },
    // The rows whose states a step finds, by the number of tokens that there is room for: it makes fewer allocations then.
    async cache() {
      let without
      seen.found = {}
      for (const tokens of [0, 19.99, 20, 1000]) {
        const { model } = await trainer({ headsOnly: true, cacheBytes: Math.floor(tokens * 4 * encoder.hiddenSize) })
        const counts = []
        for (let epoch = 0; epoch < 2; epoch++) {
          for (const row of order) {
            arm(1e9)
            await model.train({
              ...step({ apply: false }),
              order: Int32Array.of(row),
              batches: Int32Array.of(0, 1),
              steps: Int32Array.of(0, 1),
            })
            counts[row] = state().counted
            arm(0)
          }
        }
        without ??= counts
        seen.found[tokens] = counts.flatMap((count, row) => (count < without[row] ? [row] : []))
        await model.dispose()
      }
    },
    async restore() {
      const { model, names, parameters, state } = await trainer()
      const file = `${process.env.SENTORCH_ALLOCATIONS}.stored`
      const parts = ['value', 'exp_avg', 'exp_avg_sq'].flatMap((value) => names.map((parameter) => ({ value, parameter })))
      await model.train(step())
      const old = await state()
      const write = () => model.write({ path: file, header: new Uint8Array(8), parts })
      await forEachAllocation(write, async (outcome) => {
        const isThere = fs.existsSync(file)
        fs.rmSync(file, { force: true })
        return isThere === (outcome === 'done') ? undefined : `a file is ${isThere ? '' : 'not '}there`
      })
      await write()
      let offset = 8
      const stored = parts.map(({ value, parameter }) => {
        const { shape } = parameters.find(({ name }) => name === parameter)
        const source = { name: parameter, file: 0, offset, dtype: 'F32', shape }
        offset += 4 * shape.reduce((product, n) => product * n, 1)
        return { parameter, value, source }
      })
      await model.train(step())
      const later = await state()
      await forEachAllocation(
        () => model.restore({ files: [file], parameters: stored, steps: new Int32Array(names.length).fill(1) }),
        async (outcome) => {
          if (!(await state()).equals(outcome === 'done' ? old : later)) return 'a part was restored'
        },
      )
    },
    async keep() {
      const { model, names } = await trainer()
      const all = Int32Array.from(names.keys())
      const values = async () => bits(...(await model.read('value', names)))
      await model.keep(all)
      const first = await values()
      await model.train(step())
      const kept = async () => bits(...(await model.read('kept', names)))
      const later = await values()
      await model.keep(new Int32Array())
      await forEachAllocation(
        () => model.keep(all),
        async (outcome) => {
          if (!(await values()).equals(later)) return 'keeping changed a value'
          if (outcome === 'done' && !(await kept()).equals(later)) return 'something else was kept'
        },
      )
      await model.train(step())
      const last = await values()
      await forEachAllocation(
        () => model.revert(),
        async (outcome) => {
          if (!(await values()).equals(outcome === 'done' ? later : last)) return 'a part was set back'
        },
      )
      if (first.equals(later) || later.equals(last)) seen.wrong.push('a step changed nothing')
    },
  }
  await operations[operation]()
  console.log(JSON.stringify(seen))
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
