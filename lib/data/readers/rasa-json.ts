import { describe } from '../../base/check'
import type { OffsetUnit, ResolvedHeads } from './options'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { openJson } from './json-file'
import { evidentUnit, type RawSpan, resolveSpans } from './offsets'
import { SPLIT_FILE } from './rasa-yaml'
import type { Fail } from './source'
import { field, isFields, labelIn, listIn, offsetIn, textIn } from './values'

/** Lists of examples; Rasa reads the two old names like the first. */
const LISTS = ['common_examples', 'intent_examples', 'entity_examples']

interface RawExample {
  text: string
  intent: string | undefined
  /** Undefined: the example does not say. */
  entities: RawSpan[] | undefined
  fail: Fail
}

export async function* readRasaJson(
  file: string,
  heads: ResolvedHeads,
  offsets: OffsetUnit | undefined,
  maxBytes: number,
): AsyncGenerator<Example> {
  const json = await openJson(file, maxBytes, SPLIT_FILE)
  const data = isFields(json.value) ? field(json.value, 'rasa_nlu_data') : undefined
  if (!isFields(data)) throw json.refuse([], `Expected an object with 'rasa_nlu_data', received ${describe(json.value)}.`)
  const refuseAt = (path: (string | number)[]) => (reason: string) => json.refuse(['rasa_nlu_data', ...path], reason)
  const examples: RawExample[] = []
  for (const name of LISTS) {
    const list = field(data, name)
    if (list === undefined) continue
    for (const [i, example] of listIn(list, name, refuseAt([name])).entries()) examples.push(rawExample(example, refuseAt([name, i])))
  }
  const most = offsets ?? unitOfAll(examples)
  for (const { text, intent, entities, fail } of examples) {
    const labels: Record<string, LabelValue> = {}
    if (heads.sentence !== false && intent !== undefined) setLabel(labels, heads.sentence, intent)
    if (heads.tokens !== false && entities) {
      const unit = offsets ?? evidentUnit(text, entities) ?? most
      // A value may be a synonym of what stands in the text: it speaks for a unit, but need not be found.
      const places = entities.map(({ start, end, label }) => ({ start, end, label }))
      setLabel(labels, heads.tokens, resolveSpans(text, places, unit, fail))
    }
    yield { text, labels }
  }
}

function rawExample(value: unknown, fail: Fail): RawExample {
  if (!isFields(value)) throw fail(`Expected an example, received ${describe(value)}.`)
  const intent = field(value, 'intent') ?? undefined
  const entities = field(value, 'entities') ?? undefined
  return {
    text: textIn(field(value, 'text'), 'text', fail),
    intent: intent === undefined || intent === '' ? undefined : labelIn(intent, 'intent', fail),
    entities:
      entities === undefined ? undefined : listIn(entities, 'entities', fail).map((item, i) => rawEntity(item, `entities[${i}]`, fail)),
    fail,
  }
}

function rawEntity(value: unknown, name: string, fail: Fail): RawSpan {
  if (!isFields(value)) throw fail(`Expected an entity in ${name}, received ${describe(value)}.`)
  const text = field(value, 'value')
  return {
    start: offsetIn(field(value, 'start'), `${name}.start`, fail),
    end: offsetIn(field(value, 'end'), `${name}.end`, fail),
    label: labelIn(field(value, 'entity'), `${name}.entity`, fail),
    ...(typeof text === 'string' ? { text } : {}),
  }
}

/** What most examples speak for that say anything at all; Rasa itself counts code points. */
function unitOfAll(examples: readonly RawExample[]): OffsetUnit {
  let votes = 0
  for (const { text, entities } of examples) {
    const unit = evidentUnit(text, entities ?? [])
    if (unit) votes += unit === 'utf16' ? 1 : -1
  }
  return votes > 0 ? 'utf16' : 'codePoint'
}
