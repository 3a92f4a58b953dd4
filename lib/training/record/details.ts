import { textOf } from '../../data/align'
import type { Head } from '../../heads/definition'
import type { Decision, Gold } from '../../heads/kind'
import { kindOf } from '../../heads/kinds'
import { calibrationError } from '../../metrics'
import type { DecisionCount, HeadDetails, MarkedSpan, Mistake } from '../../report/record'
import { repairedEntities } from '../../tags/schemes'
import type { JudgedRow } from '../evaluation/outcomes'

/** Mistakes that are kept per head. */
const MISTAKES = 20

/** Characters of a text that are kept, and of those before the first mistake. */
const [LONGEST_TEXT, BEFORE] = [600, 120]

/** Collects what a report shows of one head's predictions, row by row. */
export class DetailsCollector {
  readonly #head: Head
  readonly #counts = new Map<string, DecisionCount>()
  readonly #confidences: number[] = []
  readonly #correct: boolean[] = []
  /** Most confident first. */
  readonly #mistakes: Mistake[] = []
  #examples = 0
  #wrong = 0

  constructor(head: Head) {
    this.#head = head
  }

  add(row: JudgedRow): void {
    const decisions = kindOf(this.#head).decisions(this.#head, row.judged, row.predicted)
    this.#examples++
    for (const { label, gold, predicted, confidence } of decisions) {
      const key = JSON.stringify([label, gold, predicted])
      const counted = this.#counts.get(key)
      if (counted) counted.count++
      else this.#counts.set(key, { ...(label !== undefined && { label }), gold, predicted, count: 1 })
      if (Number.isNaN(confidence)) continue
      this.#confidences.push(confidence)
      this.#correct.push(gold === predicted)
    }
    this.#keepMistake(row, decisions)
  }

  finish(): HeadDetails {
    return {
      head: this.#head.name,
      unit: kindOf(this.#head).decides,
      examples: this.#examples,
      wrong: this.#wrong,
      counts: [...this.#counts.values()],
      calibration: this.#confidences.length === 0 ? null : calibrationError(this.#confidences, this.#correct),
      mistakes: this.#mistakes,
    }
  }

  #keepMistake(row: JudgedRow, decisions: readonly Decision[]): void {
    const wrong = decisions.filter(({ gold, predicted }) => gold !== predicted)
    if (wrong.length === 0) return
    this.#wrong++
    const confidence = wrong.reduce((most, one) => (one.confidence > most ? one.confidence : most), -1)
    const place = this.#mistakes.findIndex((other) => confidence > (other.confidence ?? -1))
    if (place < 0 && this.#mistakes.length >= MISTAKES) return
    this.#mistakes.splice(place < 0 ? this.#mistakes.length : place, 0, mistakeOf(row, wrong, confidence))
    this.#mistakes.length = Math.min(this.#mistakes.length, MISTAKES)
  }
}

function mistakeOf(
  { head, example, row, set, predicted, loss, judged }: JudgedRow,
  wrong: readonly Decision[],
  confidence: number,
): Mistake {
  const text = textOf(set.examples[row]!)
  const facts = { example, confidence: confidence < 0 ? null : confidence, loss: loss ?? null }
  if (!kindOf(head).perToken) return { ...facts, text: excerpt(text, 0).text, gold: labelsOf(judged.gold), predicted: labelsOf(predicted) }
  const words = set.words[row]!
  const [gold, found] = [spansOf(judged.gold, words), spansOf(predicted, words)]
  const first = Math.min(...onlyIn(gold, found), ...onlyIn(found, gold), text.length)
  const { text: shown, start } = excerpt(text, first)
  const inside = (spans: readonly MarkedSpan[]) =>
    spans
      .filter((span) => span.start >= start && span.end <= start + shown.length)
      .map((span) => ({ ...span, start: span.start - start, end: span.end - start }))
  return {
    ...facts,
    text: shown,
    gold: wrong.map((decision) => decision.gold),
    predicted: wrong.map((decision) => decision.predicted),
    entities: { gold: inside(gold), predicted: inside(found) },
  }
}

function labelsOf(labels: Gold): string[] {
  return typeof labels === 'string' ? [labels] : [...labels]
}

/** Entities as ranges of the text. `words`: start and end of each. */
function spansOf(tags: Gold, words: Int32Array): MarkedSpan[] {
  return repairedEntities(labelsOf(tags)).map(({ label, start, end }) => ({ label, start: words[2 * start]!, end: words[2 * end - 1]! }))
}

/** Starts of the spans that the other list does not have. */
function onlyIn(spans: readonly MarkedSpan[], others: readonly MarkedSpan[]): number[] {
  return spans
    .filter(({ start, end, label }) => !others.some((other) => other.start === start && other.end === end && other.label === label))
    .map(({ start }) => start)
}

/** The part of a long text from a little before `place`. */
function excerpt(text: string, place: number): { text: string; start: number } {
  if (text.length <= LONGEST_TEXT) return { text, start: 0 }
  const start = Math.max(0, Math.min(place - BEFORE, text.length - LONGEST_TEXT))
  return { text: text.slice(start, start + LONGEST_TEXT), start }
}
