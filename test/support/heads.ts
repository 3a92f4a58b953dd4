import type { Head, HeadDefinition } from '../../lib/heads/definition'

/** A head as `addHead` resolves it, without a model. */
export function headOf(definition: Pick<HeadDefinition, 'name' | 'type'> & { labels: readonly string[] } & { multiLabel?: boolean }): Head {
  return { hidden: [], activation: 'relu', inputDropout: 0.1, dropout: 0.1, pooling: undefined, multiLabel: false, ...definition }
}
