import { isAllowed, schemeOfLabels } from './schemes'

/** Takes the log-probabilities of the tags at each position and returns the tags. */
export type Decoder = (logProbabilities: readonly Float64Array[]) => number[] | undefined

/**
 * A decoder for the most probable tag sequence that the scheme allows (Viterbi 1967), including its start and end. Undefined if the labels
 * do not belong to any scheme, since nothing is forbidden then. The decoder returns undefined if every sequence of that length is forbidden.
 */
export function decoderOf(labels: readonly string[]): Decoder | undefined {
  const scheme = schemeOfLabels(labels)
  if (scheme === undefined) return undefined
  const numbers = labels.map((_, i) => i)
  const starts = numbers.filter((to) => isAllowed(undefined, labels[to], scheme))
  const ends = numbers.filter((from) => isAllowed(labels[from], undefined, scheme))
  const groups = groupsOf(labels.map((to) => numbers.filter((from) => isAllowed(labels[from], to, scheme))))
  return (places) => {
    if (places.length === 0) return []
    let scores = new Float64Array(labels.length).fill(-Infinity)
    for (const tag of starts) scores[tag] = places[0]![tag]!
    const before: Int32Array[] = []
    for (const place of places.slice(1)) {
      const next = new Float64Array(labels.length).fill(-Infinity)
      const from = new Int32Array(labels.length).fill(-1)
      for (const { predecessors, tags } of groups) {
        const best = bestOf(scores, predecessors)
        if (best === undefined) continue
        for (const tag of tags) {
          next[tag] = scores[best]! + place[tag]!
          from[tag] = best
        }
      }
      before.push(from)
      scores = next
    }
    let tag = bestOf(scores, ends)
    if (tag === undefined) return undefined
    const tags = [tag]
    for (const from of before.reverse()) tags.push((tag = from[tag]!))
    return tags.reverse()
  }
}

/** Tags with the same set of successors share one search for the best predecessor, so the work is linear in the number of labels, not quadratic. */
function groupsOf(predecessors: readonly (readonly number[])[]): { predecessors: readonly number[]; tags: number[] }[] {
  const groups = new Map<string, { predecessors: readonly number[]; tags: number[] }>()
  predecessors.forEach((list, tag) => {
    const key = list.join()
    const group = groups.get(key) ?? { predecessors: list, tags: [] }
    group.tags.push(tag)
    groups.set(key, group)
  })
  return [...groups.values()]
}

/** The reachable tag with the highest score. */
function bestOf(scores: Float64Array, tags: readonly number[]): number | undefined {
  let best: number | undefined
  for (const tag of tags) if (scores[tag]! > (best === undefined ? -Infinity : scores[best]!)) best = tag
  return best
}
