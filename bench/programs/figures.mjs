export const sorted = (values) => [...values].sort((a, b) => a - b)
export const median = (values) => percentile(values, 0.5)
export const percentile = (values, share) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))]
export const round = (value, digits = 2) => Number(value.toFixed(digits))
