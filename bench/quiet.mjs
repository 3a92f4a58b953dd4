// The share of the machine that other processes used during a measurement: the processors' busy time minus that of this process and its children.
// Linux only: elsewhere Node does not report the time of child processes.
import fs from 'node:fs'

/** Figures measured while others used more than this share of the machine are printed but not written to the documents. */
export const MOST_OTHERS = 0.1

/** `/proc/stat` → ticks of all processors. Time that a hypervisor gave to other machines (`steal`) counts as busy, since it was not available. */
export function machineTicks(stat) {
  const line = stat.split('\n').find((each) => each.startsWith('cpu '))
  // `guest` and `guest_nice` are contained in `user` and `nice`.
  const [user, nice, system, idle, iowait, irq, softirq, steal = 0] = line.trim().split(/\s+/).slice(1).map(Number)
  const busy = user + nice + system + irq + softirq + steal
  return { busy, total: busy + idle + iowait }
}

/** `/proc/self/stat` → ticks of this process and of all descendants that have ended. The name in brackets may contain any character. */
export function ownTicks(stat) {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [utime, stime, cutime, cstime] = fields.slice(11, 15)
  return utime + stime + cutime + cstime
}

/** Share of the machine (0 to 1) that other processes used between two readings. */
export function othersShare(before, after) {
  const total = after.total - before.total
  return total > 0 ? Math.max(0, after.busy - before.busy - (after.own - before.own)) / total : undefined
}

/** Undefined if the system does not report it or reports zeros, as some sandboxes do. */
export function readTicks() {
  try {
    const machine = machineTicks(fs.readFileSync('/proc/stat', 'utf8'))
    return machine.busy > 0 ? { ...machine, own: ownTicks(fs.readFileSync('/proc/self/stat', 'utf8')) } : undefined
  } catch {
    return undefined
  }
}

/** Runs the work, whose child processes must have ended with it. Returns its result and `others`, the share of other processes. */
export async function watched(work) {
  const before = readTicks()
  const result = await work()
  const after = readTicks()
  return { result, others: before && after && othersShare(before, after) }
}

/** Why the figures may not be written, or undefined. `loads`: title of each measurement → share of other processes. */
export function refusal(loads) {
  const unknown = Object.entries(loads).filter(([, others]) => others === undefined)
  if (unknown.length > 0)
    return 'This system does not tell how much processor time other processes used. The documents are left as they are.'
  const busy = Object.entries(loads).filter(([, others]) => others > MOST_OTHERS)
  if (busy.length === 0) return undefined
  const list = busy.map(([title, others]) => `${title}: ${percent(others)}`).join('; ')
  return `Other processes used more than ${percent(MOST_OTHERS)} of the machine (${list}). The documents are left as they are; repeat the run on a quiet machine.`
}

export const percent = (share) => (share === undefined ? 'unknown' : `${(100 * share).toFixed(1)} %`)
