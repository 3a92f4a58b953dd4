// The recipes that the defaults are compared with: three pairs of rates, each for a short and a long training.

const BATCH_SIZE = 16

const RATES = [
  [5e-5, 1e-3],
  [1e-4, 1e-3],
  [1e-4, 5e-3],
]

/** The minimum of epochs and of steps. */
const LENGTHS = { short: [3, 80], long: [5, 200] }

/** By name, as options of `model.fit`. */
export function gridFor(examples) {
  const stepsPerEpoch = Math.ceil(examples / BATCH_SIZE)
  return Object.fromEntries(
    Object.entries(LENGTHS).flatMap(([length, [epochs, steps]]) =>
      RATES.map(([learningRate, headLearningRate]) => [
        `${rate(learningRate)}, ${rate(headLearningRate)}, ${length}`,
        { learningRate, headLearningRate, batchSize: BATCH_SIZE, epochs: Math.max(epochs, Math.ceil(steps / stepsPerEpoch)) },
      ]),
    ),
  )
}

/** 0.0001 → 1e-4, 0.00909 → 9.1e-3 */
export function rate(value) {
  return value.toExponential(1).replace('.0e', 'e')
}
