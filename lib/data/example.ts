/** An entity: [start, end) in UTF-16 units, so that `text.slice(start, end)` is its text. */
export interface Span {
  start: number
  end: number
  label: string
}

/**
 * What is known of an example for one head. Classification: a label; with several or no labels at once (multi-label) a list, for a head of one
 * logit also true or false. Token classification: entities as spans of the text, or one tag a word (`words` must be given).
 */
export type LabelValue = string | boolean | readonly string[] | readonly Span[]

/** One labelled sentence. Any head may be missing from `labels`: its loss then leaves this example out. */
export interface Example {
  /** With `words` it may be left out: it is then the words joined by one space. */
  text: string
  /** Pre-split words, where tags are given by word. */
  words?: readonly string[]
  labels: Readonly<Record<string, LabelValue>>
}

/** A data set as far as what looks into it must know. */
export interface NamedExamples {
  readonly name: string
  readonly examples: readonly Example[]
}

/** Where examples come from; a data set is iterable too. */
export type Examples = Iterable<Example> | AsyncIterable<Example>
