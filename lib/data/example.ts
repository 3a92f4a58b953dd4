/** An entity: the range [start, end) in UTF-16 units, so that `text.slice(start, end)` is its text. */
export interface Span {
  start: number
  end: number
  label: string
}

/**
 * The label of an example for one head. Classification: a label; for a multi-label head a list of labels, which may be empty; for a head
 * with one logit also true or false. Token classification: entities as spans of the text, or one tag per word (requires `words`).
 */
export type LabelValue = string | boolean | readonly string[] | readonly Span[]

/** One labelled sentence. `labels` may omit a head: the example then does not contribute to the loss of that head. */
export interface Example {
  /** Optional if `words` is given; it is then the words joined by one space. */
  text: string
  /** The pre-split words, for labels with one tag per word. */
  words?: readonly string[]
  labels: Readonly<Record<string, LabelValue>>
}

/**
 * What a data set is made from: an example, or a text without labels, which is enough where no head is trained (`distill`). A number in `labels`
 * stands for its decimal digits, the label of a head with `labels: n`; a list of numbers needs `words`, one for each.
 */
export type ExampleInput =
  | string
  | {
      readonly text?: string
      readonly words?: readonly string[]
      readonly labels?: Readonly<Record<string, LabelValue | number | readonly number[] | undefined>>
    }

/** The examples of a data set and its name for messages. */
export interface NamedExamples {
  readonly name: string
  readonly examples: readonly Example[]
}

/** A source of examples. A data set is iterable too. */
export type Examples = Iterable<ExampleInput> | AsyncIterable<ExampleInput>
