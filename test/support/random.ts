/** Numbers in [0, 1) from a seed (mulberry32), so that a failing property can be reproduced. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Whole numbers in [0, below) from a seed. */
export function randomBelow(seed: number): (below: number) => number {
  const random = randomNumbers(seed)
  return (below) => Math.floor(random() * below)
}

export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[result[i], result[j]] = [result[j]!, result[i]!]
  }
  return result
}

const WORDS = [
  'the',
  'river',
  'flows',
  'towards',
  'Ocean',
  'über',
  '中文',
  '😀',
  'e\u0301t\u00e9',
  '42',
  'well-known',
  'x',
  '!?',
  'antidisestablishment',
]

/** Text i has i · step words: every length up to a limit, and beyond it. */
export function randomTexts(count: number, step: number, seed: number): string[] {
  const random = randomNumbers(seed)
  const word = () => WORDS[Math.floor(random() * WORDS.length)]
  return Array.from({ length: count }, (_, i) => Array.from({ length: i * step }, word).join(' '))
}
