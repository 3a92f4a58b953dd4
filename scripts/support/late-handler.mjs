/**
 * ESLint rule: a promise that is stored in a variable must be used before the function awaits anything else. Without a handler, its rejection
 * ends the process. If it is awaited later on purpose, handle it immediately as well: `promise.catch(() => {})`.
 */
export const lateHandler = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { late: "'{{name}}' may reject while this waits, before anybody listens: await or catch it first." },
  },
  create(context) {
    const { sourceCode } = context
    const { program, esTreeNodeToTSNodeMap } = sourceCode.parserServices
    const checker = program.getTypeChecker()

    const isPromise = (type) => {
      const kept = checker.isArrayType(type) ? checker.getTypeArguments(type)[0] : type
      return (kept.isUnion() ? kept.types : [kept]).some((each) => each.getProperty('then') !== undefined)
    }

    return {
      VariableDeclarator(node) {
        if (node.id.type !== 'Identifier' || node.init === null) return
        if (!isPromise(checker.getTypeAtLocation(esTreeNodeToTSNodeMap.get(node.init)))) return
        const variable = sourceCode.getDeclaredVariables(node)[0]
        const uses = variable.references.map(({ identifier }) => identifier.range[0]).filter((start) => start > node.range[1])
        const used = uses.length > 0 ? Math.min(...uses) : Infinity
        const wait = firstWait(enclosingFunction(node), node.range[1], sourceCode.visitorKeys)
        // A wait that the variable stands in is the one for it.
        if (wait && wait.range[1] <= used) context.report({ node: wait, messageId: 'late', data: { name: node.id.name } })
      },
    }
  },
}

const FUNCTIONS = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']

function enclosingFunction(node) {
  let at = node.parent
  while (at.parent && !FUNCTIONS.includes(at.type)) at = at.parent
  return at
}

/** The first await or yield after a position, not counting inner functions. A loop over a stream awaits at its head. */
function firstWait(node, after, keys) {
  const waits = node.type === 'AwaitExpression' || node.type === 'YieldExpression'
  if (waits && node.range[0] >= after) return node
  if (node.type === 'ForOfStatement' && node.await && node.range[0] >= after) return node.right
  for (const key of keys[node.type] ?? []) {
    for (const child of [node[key]].flat()) {
      if (!child || FUNCTIONS.includes(child.type) || child.range[1] <= after) continue
      const found = firstWait(child, after, keys)
      if (found) return found
    }
  }
  return undefined
}
