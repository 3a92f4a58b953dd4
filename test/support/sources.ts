export interface Source {
  name: string
  file: number
  offset: number
  dtype: string
  shape: number[]
}

/** Every tensor that a load request names, wherever it stands in it. */
export function sourcesIn(value: unknown): Source[] {
  if (typeof value !== 'object' || value === null) return []
  if ('offset' in value) return [value as Source]
  return Object.values(value).flatMap(sourcesIn)
}
