// The recipe of bench/peers/train.py, as options of sentorch.

const TYPES = { intent: 'classification', slots: 'token-classification' }

/** Linear heads with dropout before them. `labels`: by head. */
export function addHeads(model, labels, { seed = 0, inputDropout = 0.1 } = {}) {
  for (const [name, type] of Object.entries(TYPES)) {
    if (labels[name]) model = model.addHead({ name, type, labels: labels[name], inputDropout, seed })
  }
  return model
}

/** `heads`: the number of heads that share the loss. */
export function trainerOptions(labels, { seed = 0, epochs, dtype = 'float32', ...more } = {}) {
  const heads = Object.keys(labels)
  return {
    learningRate: 1e-4,
    layerDecay: 0.9,
    headLearningRate: 1e-3,
    weightDecay: 0.01,
    maxGradNorm: 1,
    schedule: 'linear',
    warmupRatio: 0.1,
    batchSize: 32,
    groupByLength: false,
    maxLength: 64,
    tasks: Object.fromEntries(heads.map((head) => [head, { weight: 1 / heads.length }])),
    epochs,
    seed,
    dtype,
    ...more,
  }
}
