/**
 * `'balanced'` weights of a head that chooses one label, as scikit-learn's `compute_class_weight`: items ÷ (labels that occur · items of the
 * label). A label that does not occur has 1. `labels`: any length, −100 is no label. Returns [count].
 */
export function balancedWeights(labels: Int32Array, count: number): Float32Array {
  const items = new Float64Array(count)
  for (const label of labels) if (label >= 0) items[label]!++
  const total = items.reduce((sum, n) => sum + n, 0)
  const occurring = items.reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0)
  return Float32Array.from(items, (n) => (n > 0 ? total / (occurring * n) : 1))
}

/**
 * `'balanced'` weights of the positives where each label is decided on its own: negatives ÷ positives, as PyTorch's `pos_weight` is meant;
 * 1 where a label has only one of the two. `labels`: [examples, count] of 0 and 1, −100 is no label. Returns [count].
 */
export function balancedPositives(labels: Int32Array, count: number): Float32Array {
  const seen = [new Float64Array(count), new Float64Array(count)] as const
  labels.forEach((label, i) => {
    if (label === 0 || label === 1) seen[label][i % count]!++
  })
  return Float32Array.from({ length: count }, (_, i) => {
    const [negatives, positives] = [seen[0][i]!, seen[1][i]!]
    return negatives > 0 && positives > 0 ? negatives / positives : 1
  })
}
