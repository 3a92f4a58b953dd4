// Node's environment for tests, with Node's own rule for rejections: a promise that rejects while nobody listens ends a program, even where
// somebody would have listened later. jest by itself excuses those, and fails a test only for those that nobody ever handles.
'use strict'
const { TestEnvironment } = require('jest-environment-node')

class StrictEnvironment extends TestEnvironment {
  #early = new Map()

  handleTestEvent(event, state) {
    if (event.name === 'error' && event.promise) this.#early.set(event.promise, event.error)
    if (event.name !== 'error_handled') return
    const reason = this.#early.get(event.promise)
    const error = new Error(`A promise rejected before anybody listened, which ends a program: ${reason?.message ?? String(reason)}`)
    error.stack = `${error.message}\n${reason?.stack ?? ''}`
    const errors = state.currentlyRunningTest?.errors ?? state.unhandledErrors
    errors.push(error)
  }
}

module.exports = StrictEnvironment
