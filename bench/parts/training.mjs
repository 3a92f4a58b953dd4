// Joint training of intents and slots, compared with plain PyTorch at its fastest.
import path from 'node:path'
import { inRoot } from '../../scripts/support/paths.mjs'
import { inTurn, measure } from '../measure.mjs'
import { machine, table, times } from '../report.mjs'

const rows = (dtype, { ours, python }) => [
  [
    `joint training, ${dtype}`,
    `${ours.examplesPerSecond} examples/s`,
    'PyTorch',
    `${python.examplesPerSecond} examples/s`,
    times(ours.examplesPerSecond / python.examplesPerSecond),
    '≥ 1 ×',
  ],
  [
    `peak memory of training, ${dtype}`,
    `${ours.peakRssMB} MB`,
    'PyTorch',
    `${python.peakRssMB} MB`,
    times(python.peakRssMB / ours.peakRssMB),
    '≥ 1 ×',
  ],
]

export async function stages({ model, python, texts, quick }) {
  const [steps, rounds] = quick ? ['24', 1] : ['80', 3]
  const [root, set] = [path.dirname(texts.joint), path.basename(texts.joint)]
  const joint = (dtype) => ({
    title: `Joint training, ${dtype}`,
    measure: () =>
      inTurn(
        {
          ours: () => measure(process.execPath, [inRoot('bench/programs/train.mjs'), model, texts.joint, dtype, steps]),
          python: () =>
            measure(python, [inRoot('bench/peers/train.py'), model, root, set, '--group-by-length', '--dtype', dtype, '--speed', steps]),
        },
        rounds,
      ),
    rows: (figures) => rows(dtype, figures),
  })
  return {
    train32: joint('float32'),
    train16: joint('bfloat16'),
    frozen: {
      title: 'Epochs of a frozen encoder',
      measure: () => measure(process.execPath, [inRoot('bench/programs/train-frozen.mjs'), model, texts.joint, quick ? '256' : '2048']),
      rows: ({ frozenSeconds, fullSeconds }) => [
        [
          'epoch of a frozen encoder after the first',
          `${frozenSeconds} s`,
          'a full epoch',
          `${fullSeconds} s`,
          times(fullSeconds / frozenSeconds),
          '≥ 30 ×',
        ],
      ],
    },
  }
}

export function text({ figures, rows: all, versions, about }) {
  return `${machine(figures.train32.ours, versions)}
Joint training of intents and slots (${about}), batches of 32 short sentences, compared with plain PyTorch at its fastest (\`bench/peers/train.py --group-by-length\`: fused AdamW, batches grouped by length).

${table(all)}`
}
