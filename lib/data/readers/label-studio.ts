import type { ResolvedJson } from './options'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { field, isFields, listIn, setCategory, spansIn, textIn, type Fields } from './values'
import { columnsOf, exampleOf } from './mapping'
import type { Fail, UnusedFields } from './source'

/** The names of a project's controls (its `from_name`s) for entities and for choices, collected from the records of a file. */
export interface Controls {
  spans: Set<string>
  choices: Set<string>
}

export function noControls(): Controls {
  return { spans: new Set(), choices: new Set() }
}

/** Whether the record is an export as JSON (a task with its annotations). In JSON_MIN, a record is an annotation with its results next to the task's fields. */
export function isLabelStudio(record: Fields): boolean {
  return isTask(record) || Object.hasOwn(record, 'annotation_id') || Object.values(record).some(isEntities)
}

function isTask(record: Fields): boolean {
  return isFields(field(record, 'data')) && [field(record, 'annotations'), field(record, 'completions')].some(Array.isArray)
}

/** Fields of JSON_MIN that do not belong to the task. */
const OWN_FIELDS = ['id', 'annotator', 'annotation_id', 'created_at', 'updated_at', 'lead_time']

/** Collects the controls of a record. All records of a file are examined before the first is read, since each shows only the controls it uses. */
export function noteControls(record: Fields, controls: Controls): void {
  const fields = isTask(record)
    ? annotationsOf(record).flatMap((annotation) => Object.entries(resultsOf(annotation)))
    : Object.entries(record)
  for (const [name, value] of fields) {
    if (isEntities(value)) controls.spans.add(name)
    if (isFields(value) && Array.isArray(field(value, 'choices'))) controls.choices.add(name)
  }
}

/**
 * The example of a record, or undefined if its annotator skipped it. Entities and the category come from the only control of their kind, or
 * from the control that has the name of the head. Offsets are code points. An annotated text without entities has an empty list.
 */
export function labelStudio(
  record: Fields,
  options: ResolvedJson,
  controls: Controls,
  unused: UnusedFields,
  fail: Fail,
): Example | undefined {
  const fields = fieldsOf(record, controls, fail)
  if (fields === undefined) return undefined
  const { mapping, heads, offsets } = options
  if (mapping) {
    unused.note(Object.keys(fields), new Set(columnsOf(mapping, 'text').map(String)))
    return exampleOf({ get: (column) => field(fields, String(column)), defaultText: 'text', fail }, mapping, offsets, 'codePoint')
  }
  const textField = textFieldOf(fields, controls, isTask(record))
  const text = textIn(field(fields, textField), textField, fail)
  // JSON_MIN writes a single choice as a string, which is recognised by the control's name only.
  const isChoice = (name: string) => controls.choices.has(name) || (!isTask(record) && typeof field(fields, name) === 'string')
  const entities = heads.tokens === false ? undefined : controlFor(heads.tokens, controls.spans, (name) => controls.spans.has(name), fail)
  const choices = heads.sentence === false ? undefined : controlFor(heads.sentence, controls.choices, isChoice, fail)
  unused.note(Object.keys(fields), new Set([textField, entities ?? textField, choices ?? textField, ...OWN_FIELDS]))
  const labels: Record<string, LabelValue> = {}
  const spans = entities === undefined ? undefined : field(fields, entities)
  if (spans !== undefined && heads.tokens !== false) {
    setLabel(labels, heads.tokens, spansIn(listIn(spans, entities!, fail), entities!, { text, offsets, unit: 'codePoint', fail }))
  }
  const chosen = choices === undefined ? undefined : (field(fields, choices) ?? undefined)
  if (chosen !== undefined) setCategory(labels, listOf(chosen, choices!, fail), choices!, options, fail)
  return { text, labels }
}

/** The control for a head: the one with its name, or the only one of its kind. */
function controlFor(head: string, names: ReadonlySet<string>, isOne: (name: string) => boolean, fail: Fail): string | undefined {
  if (isOne(head)) return head
  if (names.size > 1) {
    throw fail(
      `The file has several sets of labels for '${head}': ${[...names].join(', ')}. Select one: labels: { ${head}: '${[...names][0]}' }.`,
    )
  }
  return [...names][0]
}

/** JSON_MIN writes a single choice as a string. */
function listOf(chosen: unknown, name: string, fail: Fail): readonly unknown[] {
  if (typeof chosen === 'string') return [chosen]
  return listIn(isFields(chosen) ? field(chosen, 'choices') : chosen, name, fail)
}

/** `text`, or the only string of a task. */
function textFieldOf(fields: Fields, { spans, choices }: Controls, ofTask: boolean): string {
  if (Object.hasOwn(fields, 'text') || !ofTask) return 'text'
  const strings = Object.keys(fields).filter((name) => typeof fields[name] === 'string' && !spans.has(name) && !choices.has(name))
  return strings.length === 1 ? strings[0]! : 'text'
}

/** The task's fields and the results by control, in the layout of JSON_MIN. */
function fieldsOf(record: Fields, controls: Controls, fail: Fail): Fields | undefined {
  const none = Object.fromEntries([...controls.spans].map((name) => [name, []]))
  if (!isTask(record)) return { ...none, ...record }
  const all = annotationsOf(record)
  const data = field(record, 'data') as Fields
  if (all.length === 0) return data
  const kept = all.filter((annotation) => field(annotation, 'was_cancelled') !== true)
  if (kept.length === 0) return undefined
  const truths = kept.filter((annotation) => field(annotation, 'ground_truth') === true)
  const [annotation, ...more] = truths.length > 0 ? truths : kept
  if (more.length === 0) return { ...data, ...none, ...resultsOf(annotation!) }
  throw fail(
    `The task has ${more.length + 1} annotations${truths.length > 0 ? ' that are ground truth' : ''}. Keep one annotation per task, or mark one as ground truth.`,
  )
}

function annotationsOf(record: Fields): Fields[] {
  const list = field(record, 'annotations') ?? field(record, 'completions')
  return (list as unknown[]).filter(isFields)
}

/** Results by control: entities as a list, choices as `{ choices }`, others unchanged. Results for a single region (a choice for an entity) are skipped. */
function resultsOf(annotation: Fields): Record<string, unknown> {
  const results = new Map<string, unknown>()
  const list = field(annotation, 'result')
  for (const result of Array.isArray(list) ? list.filter(isFields) : []) {
    const [name, type, value] = [field(result, 'from_name'), field(result, 'type'), field(result, 'value')]
    if (typeof name !== 'string' || typeof type !== 'string' || !isFields(value)) continue
    if (type.endsWith('labels')) {
      const spans = (results.get(name) ?? []) as unknown[]
      results.set(name, [...spans, { start: value.start, end: value.end, text: value.text, labels: field(value, type) }])
    } else if (!Object.hasOwn(value, 'start')) {
      results.set(name, value)
    }
  }
  return Object.fromEntries(results)
}

function isEntities(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false
  return value.every((item) => isFields(item) && Object.hasOwn(item, 'start') && Array.isArray(field(item, 'labels')))
}
