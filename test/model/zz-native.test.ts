import path from 'node:path'
import { openFolder } from '../../lib/format/folder'
import { FAMILIES } from '../support/golden'
const addon = require('../../build/Release/sentorch.node')
const { findLibtorch } = require('../../lib/libtorch/find')
beforeAll(async () => {
  const t = await findLibtorch({ path: process.env.TORCHDIR })
  await addon.open({ libraries: t.libraries, core: path.resolve('build/Release/libsentorch_core.so') })
})
let task = 1
const out: string[] = []
afterAll(() => console.log(out.join('\n')))
test.each([...FAMILIES, 'minilm'])('%s', async (family) => {
  const folder = family === 'minilm' ? process.env.SENTORCH_TEST_MODEL! : path.resolve('test/fixtures/models', family)
  const f = await openFolder(folder)
  const max = Math.min(f.config.usablePositions, 512)
  const lens = Array.from({ length: family === 'minilm' ? 24 : max }, (_, i) => family === 'minilm' ? Math.min(512, 1 + i * 23) : i + 1)
  const offsets = new Int32Array(lens.length + 1); lens.forEach((l, i) => (offsets[i + 1] = offsets[i]! + l))
  let s = 12345; const rnd = () => (s = (Math.imul(s, 1103515245) + 12345) >>> 0) / 2 ** 32
  const ids = Int32Array.from({ length: offsets[lens.length]! }, () => Math.floor(rnd() * f.config.vocabSize))
  const res: any = {}
  for (const kernels of ['portable', 'avx2', 'avx512']) for (const threads of [1, 2]) for (const batchTokens of [1, 100, 2048]) for (const dtype of ['float32', 'bfloat16']) {
    const m = new addon.Model()
    await m.load({ files: f.files, encoder: f.encoder, dense: [], dtype, device: 'cpu', threads, kernels })
    for (const pooling of [[], ['mean']]) {
    const r = await m.encode({ task: task++, ids, offsets, pooling, promptTokens: 0, steps: [], truncateDim: 0, normalizeLast: pooling.length>0, batchTokens })
    ;(res[dtype + pooling] ??= {})[`${kernels} t${threads} b${batchTokens}`] = r.values
    }
    await m.dispose()
  }
  for (const key of Object.keys(res)) {
    const base = res[key.replace('bfloat16','float32')]['portable t1 b1']
    for (const [k, v] of Object.entries<Float32Array>(res[key])) { let w = 0; v.forEach((x, i) => (w = Math.max(w, Math.abs(x - base[i])))); out.push(`${family} ${key} ${k} ${w.toExponential(2)}`) }
  }
})
