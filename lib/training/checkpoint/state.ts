import { Fields } from '../../files/fields'
import { count, integers, MAX_COUNT, number, numbers, orNull, parseData, parseFit } from './fit-state'
import { MAX_BATCH } from '../options/batching'
import { MAX_EPOCHS } from '../options/fit'
import type { EpochSums } from '../loop/report'
import type { PlateauState } from '../plan/plateau'
import { RECIPE_OPTIONS, type DataRecipe, type RecipeOption } from '../plan/recipe'
import { SHAPES, type ResolvedSchedule, type ScheduleShape } from '../plan/schedule'
import type { TrainingState } from '../loop/state'

/** What a stored state must match. */
export interface StateContext {
  tasks: number
  targets: number
  /** Number of unfreezing rules. */
  rules: number
  /** Whether the weights of the losses are learned. */
  uncertainty: boolean
}

const STATE_KEYS = [
  'epoch',
  'step',
  'applied',
  'attempted',
  'skippedInARow',
  'schedule',
  'scheduleStart',
  'unfreezing',
  'weights',
  'sums',
  'data',
  'recipe',
  'fit',
]
const SUM_KEYS = ['loss', 'losses', 'items', 'correct', 'examples', 'seen', 'tokens', 'seconds', 'steps', 'skipped', 'gradientNorm', 'multiplier', 'uncertainty', 'similarity'] // prettier-ignore

/** Reads and checks the untrusted state in trainer.json. ERR_MODEL_FORMAT names an invalid value. */
export function parseState(json: unknown, where: string, context: StateContext): TrainingState {
  const fields = new Fields(json, where).only(STATE_KEYS)
  const state: TrainingState = {
    epoch: count(fields, 'epoch'),
    step: count(fields, 'step'),
    applied: count(fields, 'applied'),
    attempted: count(fields, 'attempted'),
    skippedInARow: count(fields, 'skippedInARow'),
    schedule: orNull(fields, 'schedule', () => parseSchedule(fields.required('schedule'))),
    scheduleStart: count(fields, 'scheduleStart'),
    unfreezing: parseUnfreezing(fields.required('unfreezing'), context.rules),
    weights: orNull(fields, 'weights', () => numbers(fields, 'weights', context.tasks)),
    sums: orNull(fields, 'sums', () => parseSums(fields.required('sums'), context)),
    data: orNull(fields, 'data', parseData),
    recipe: orNull(fields, 'recipe', () => parseRecipe(fields.required('recipe'))),
    fit: orNull(fields, 'fit', () => parseFit(fields.required('fit'))),
  }
  if (state.applied > state.attempted) throw fields.bad('applied', 'no more than were attempted')
  if (state.scheduleStart > state.applied) throw fields.bad('scheduleStart', 'no more than were applied')
  if ((state.recipe === null) !== (state.data === null)) throw fields.bad('recipe', 'the recipe for the data')
  if (state.sums === null && state.step > 0) throw fields.bad('sums', 'the sums of the current epoch')
  if (state.sums !== null && (state.data === null || state.schedule === null)) throw fields.bad('data', 'the data of the current epoch')
  if (state.fit !== null && (state.data === null || state.schedule === null)) throw fields.bad('fit', 'no fit without data and a schedule')
  return state
}

function parseRecipe(fields: Fields): DataRecipe {
  fields.only(['learningRate', 'headLearningRate', 'batchSize', 'epochs', 'chosen'])
  const rate = (key: string) => {
    const value = number(fields, key)
    if (value < 0) throw fields.bad(key, 'a number of at least 0')
    return value
  }
  const chosen = fields.raw('chosen')
  if (!Array.isArray(chosen) || !chosen.every((name) => RECIPE_OPTIONS.includes(name as RecipeOption))) {
    throw fields.bad('chosen', `a list of ${RECIPE_OPTIONS.join(', ')}`)
  }
  return {
    learningRate: rate('learningRate'),
    headLearningRate: rate('headLearningRate'),
    batchSize: orNull(fields, 'batchSize', () => fields.integer('batchSize', 1, MAX_BATCH)),
    epochs: fields.integer('epochs', 1, MAX_EPOCHS),
    chosen: chosen as RecipeOption[],
  }
}

function parseSchedule(fields: Fields): ResolvedSchedule {
  const shape = fields.string('shape')
  if (!isShape(shape)) throw fields.bad('shape', SHAPES.map((name) => `'${name}'`).join(', '))
  const isPlateau = shape === 'plateau'
  fields.only(['shape', 'warmup', 'total', ...(isPlateau ? ['plateau'] : [])])
  if (shape === 'linear' || shape === 'cosine') fields.integer('total', 0, MAX_COUNT)
  return {
    shape,
    warmup: count(fields, 'warmup'),
    total: orNull(fields, 'total', count),
    ...(isPlateau && { plateau: parsePlateau(fields.required('plateau')) }),
  }
}

function isShape(name: string): name is ScheduleShape {
  return (SHAPES as readonly string[]).includes(name)
}

function parsePlateau(fields: Fields): PlateauState {
  fields.only(['best', 'stale', 'cooldown', 'multiplier'])
  return {
    best: orNull(fields, 'best', number),
    stale: count(fields, 'stale'),
    cooldown: count(fields, 'cooldown'),
    multiplier: number(fields, 'multiplier'),
  }
}

function parseUnfreezing(fields: Fields, rules: number): TrainingState['unfreezing'] {
  fields.only(['fired', 'best', 'stale'])
  const fired = integers(fields, 'fired')
  if (fired.some((rule) => rule >= rules)) throw fields.bad('fired', `indices of the ${rules} rules`)
  return { fired, best: orNull(fields, 'best', number), stale: integers(fields, 'stale', rules) }
}

function parseSums(fields: Fields, { tasks, targets, uncertainty }: StateContext): EpochSums {
  fields.only(SUM_KEYS)
  const value = (key: string) => number(fields, key)
  return {
    loss: value('loss'),
    losses: numbers(fields, 'losses', tasks + targets),
    items: numbers(fields, 'items', tasks + targets),
    correct: numbers(fields, 'correct', tasks),
    examples: value('examples'),
    seen: value('seen'),
    tokens: value('tokens'),
    seconds: value('seconds'),
    steps: value('steps'),
    skipped: value('skipped'),
    gradientNorm: value('gradientNorm'),
    multiplier: value('multiplier'),
    uncertainty: numbers(fields, 'uncertainty', uncertainty ? tasks + targets : 0),
    similarity: orNull(fields, 'similarity', number),
  }
}
