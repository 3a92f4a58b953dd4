let tasks = 0

/** A number for one piece of native work, by which it can be aborted; unique in the process. */
export function nextTask(): number {
  return ++tasks
}
