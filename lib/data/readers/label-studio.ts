import type { ResolvedJson } from './options'
import type { Example, LabelValue } from '../example'
import { setLabel } from '../labels'
import { field, isFields, listIn, setCategory, textIn, type Fields } from './values'
import { columnsOf, exampleOf } from './mapping'
import { spansIn } from './notations'
import type { Fail } from './source'
import type { UnusedFields } from './unused'

/** The names of a project's controls (its `from_name`s), as the records of a file show them: for entities, and for choices. */
export interface Controls {
  spans: Set<string>
  choices: Set<string>
}

export function noControls(): Controls {
  return { spans: new Set(), choices: new Set() }
}

/** An export as JSON (tasks with their annotations), or as JSON_MIN (an annotation a record, its results among the task's own fields). */
export function isLabelStudio(record: Fields): boolean {
  return isTask(record) || Object.hasOwn(record, 'annotation_id') || Object.values(record).some(isEntities)
}

function isTask(record: Fields): boolean {
  return isFields(field(record, 'data')) && [field(record, 'annotations'), field(record, 'completions')].some(Array.isArray)
}

/** Fields of JSON_MIN that are not the task's. */
const OWN_FIELDS = ['id', 'annotator', 'annotation_id', 'created_at', 'updated_at', 'lead_time']

/** Takes down the controls of a record. All records of a file are looked at before the first is read: one alone shows only what was used in it. */
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
 * The example of a record; undefined where its annotator skipped it. Entities come from the one control of entities, and the category from the
 * one of choices, or from those that are named as the heads. Its offsets are code points. An annotated text without entities has none.
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
  // A choice that JSON_MIN writes as a string is known by its name alone.
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

/** The control that feeds a head: the one of its name, else the only one of its kind. */
function controlFor(head: string, names: ReadonlySet<string>, isOne: (name: string) => boolean, fail: Fail): string | undefined {
  if (isOne(head)) return head
  if (names.size > 1) {
    throw fail(
      `The file has several sets of labels for '${head}': ${[...names].join(', ')}. Name them: labels: { ${head}: '${[...names][0]}' }.`,
    )
  }
  return [...names][0]
}

/** One choice is written as a string in JSON_MIN. */
function listOf(chosen: unknown, name: string, fail: Fail): readonly unknown[] {
  if (typeof chosen === 'string') return [chosen]
  return listIn(isFields(chosen) ? field(chosen, 'choices') : chosen, name, fail)
}

/** `text`, else the only string of a task. */
function textFieldOf(fields: Fields, { spans, choices }: Controls, ofTask: boolean): string {
  if (Object.hasOwn(fields, 'text') || !ofTask) return 'text'
  const strings = Object.keys(fields).filter((name) => typeof fields[name] === 'string' && !spans.has(name) && !choices.has(name))
  return strings.length === 1 ? strings[0]! : 'text'
}

/** The task's fields and the results by control, as JSON_MIN has them. */
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
    `The task has ${more.length + 1} annotations${truths.length > 0 ? ' that are ground truth' : ''}. Keep one of each task, or mark one as its ground truth.`,
  )
}

function annotationsOf(record: Fields): Fields[] {
  const list = field(record, 'annotations') ?? field(record, 'completions')
  return (list as unknown[]).filter(isFields)
}

/** By control: entities as a list, choices as `{ choices }`, other results as they are. Those of one region (a choice for an entity) are left out. */
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
