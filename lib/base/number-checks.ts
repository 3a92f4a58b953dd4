import { invalid } from './check'

/** Any finite number of at least 0. */
export function atLeastZero(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw invalid(name, 'a finite number of at least 0', value)
  return value
}

/** A finite number above 0. */
export function positive(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) throw invalid(name, 'a finite number above 0', value)
  return value
}

/** 0 ≤ value ≤ 1. */
export function shareOf(name: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw invalid(name, 'a number in 0..1', value)
  return value
}

/** 0 ≤ value < 1: betas, dropout, label smoothing. */
export function belowOne(name: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value < 1)) throw invalid(name, 'a number from 0 to below 1', value)
  return value
}
