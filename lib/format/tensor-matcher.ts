import type { LinearSource, NormSource, TensorSource } from '../../binding'
import { SentorchError } from '../base/errors'
import { printable } from '../base/text'
import type { LocatedTensor, Weights } from './safetensors'

const DTYPES: readonly string[] = ['F32', 'F16', 'BF16']

/** The differences between the weights of a folder and its config. */
export interface Misfit {
  weights: string
  config: string
  missing: string[]
  wrong: { tensor: string; file: readonly number[]; config: readonly number[] }[]
  unknown: string[]
  /** A likely explanation, if one is certain. */
  hint?: string
}

/** Looks up tensors in one set of weights by name and shape, and records every mismatch. */
export class TensorMatcher {
  /** Total stored bytes of the tensors found. */
  bytes = 0
  /** The tensors found, by their names in sentorch. */
  readonly found = new Map<string, LocatedTensor>()
  private readonly taken = new Set<string>()
  private readonly missing: string[] = []
  private readonly wrong: Misfit['wrong'] = []
  private readonly dtypes: { tensor: string; dtype: string }[] = []

  /** `config`: the file that determines the shapes. `prefix`: a prefix of every name in the file that is not part of the names here. */
  constructor(
    private readonly weights: Weights,
    private readonly config: string,
    private readonly prefix = '',
  ) {}

  /**
   * The tensor of that name, or of the first existing spelling in a list whose first item is the name to use. For a tensor that does not match,
   * the result is a placeholder that is never used, since `close` reports the mismatch.
   */
  take(names: string | readonly string[], shape: number[]): TensorSource {
    const spellings = typeof names === 'string' ? [names] : names
    const own = spellings[0]!
    const name = this.prefix + (spellings.find((spelling) => this.weights.tensors.has(this.prefix + spelling)) ?? own)
    const stored = this.weights.tensors.get(name)
    if (stored) this.found.set(own, stored)
    return { ...this.source(name, shape), name: own }
  }

  /** A layer by its full name in the file, for layers outside the encoder. */
  linearAt(name: string, inFeatures: number, outFeatures: number): LinearSource {
    return { weight: this.source(`${name}.weight`, [outFeatures, inFeatures]), bias: this.source(`${name}.bias`, [outFeatures]) }
  }

  private source(name: string, shape: number[]): TensorSource {
    const stored = this.weights.tensors.get(name)
    this.taken.add(name)
    if (stored === undefined) {
      this.missing.push(name)
      return { name, file: 0, offset: 0, dtype: 'F32', shape }
    }
    if (stored.shape.join() !== shape.join()) this.wrong.push({ tensor: name, file: stored.shape, config: shape })
    if (!DTYPES.includes(stored.dtype)) this.dtypes.push({ tensor: name, dtype: stored.dtype })
    this.bytes += stored.bytes
    return { name, file: stored.file, offset: stored.offset, dtype: stored.dtype as TensorSource['dtype'], shape }
  }

  linear(name: string, inFeatures: number, outFeatures: number, bias = true): LinearSource {
    return {
      weight: this.take(`${name}.weight`, [outFeatures, inFeatures]),
      bias: bias ? this.take(`${name}.bias`, [outFeatures]) : null,
    }
  }

  /** A LayerNorm. Files converted from TensorFlow call its parameters gamma and beta. */
  norm(name: string, size: number): NormSource {
    return { weight: this.take([`${name}.weight`, `${name}.gamma`], [size]), bias: this.take([`${name}.bias`, `${name}.beta`], [size]) }
  }

  /** Tensors that were not looked up. */
  unused(): Map<string, LocatedTensor> {
    return new Map([...this.weights.tensors].filter(([name]) => !this.taken.has(name)))
  }

  /** The mismatches, or undefined if everything matches. `ignored`: tensors that may be present without being used. */
  close(ignored: (name: string) => boolean = () => false): Misfit | undefined {
    const unknown = [...this.unused().keys()].filter((name) => !ignored(name))
    if (this.missing.length + this.wrong.length + unknown.length === 0) return undefined
    return { weights: this.weights.name, config: this.config, missing: this.missing, wrong: this.wrong, unknown }
  }

  /** Throws ERR_MODEL_UNSUPPORTED if a tensor has a data type that cannot be read. */
  refuseDtypes(shown: string): void {
    const first = this.dtypes[0]
    if (first === undefined) return
    const others = this.dtypes.length - 1
    throw new SentorchError(
      'ERR_MODEL_UNSUPPORTED',
      `${this.weights.name} in ${shown} stores ${printable(first.tensor)}${others > 0 ? ` and ${others} more` : ''} as ${first.dtype}; ` +
        `supported types are ${DTYPES.join(', ')}.`,
      { detail: { file: this.weights.name, tensors: this.dtypes } },
    )
  }
}

/** Maximum lines of one kind in the message; `detail` contains all. */
const MAX_LINES = 100

/** One error that lists all mismatches. */
export function mismatch(misfits: readonly Misfit[], shown: string): SentorchError {
  const sections = misfits.map(({ weights, config, missing, wrong, unknown, hint }) => {
    const names = wrong.map(({ tensor }) => printable(tensor))
    const width = Math.max(0, ...names.map((name) => name.length))
    return [
      `${weights} does not fit ${config} in ${shown}`,
      ...cut(missing.map((name) => `  missing   ${printable(name)}`)),
      ...cut(
        wrong.map(
          ({ file, config }, i) => `  wrong     ${names[i]!.padEnd(width)}   file [${file.join(', ')}]   config [${config.join(', ')}]`,
        ),
      ),
      ...cut(unknown.map((name) => `  unknown   ${printable(name)}`)),
      ...(hint === undefined ? [] : [hint]),
    ].join('\n')
  })
  return new SentorchError('ERR_MODEL_MISMATCH', sections.join('\n'), { detail: { misfits } })
}

function cut(lines: string[]): string[] {
  return lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), `  … and ${lines.length - MAX_LINES} more`] : lines
}
