/**
 * ESLint's `no-restricted-syntax` for names that belong to one place of lib/. Elsewhere a comparison with one of them is a branch that the next
 * kind of head, pooling or family would have to be added to.
 */

/** Concepts whose names may be written as values only in `home`. A test compares the names with those that lib/ has. */
export const CONCEPTS = [
  {
    what: 'a kind of head',
    // Without 'binary', which is also a precision of embeddings.
    names: ['classification', 'token-classification', 'sequence-classification', 'single-label', 'multi-label'],
    home: ['lib/heads/**'],
    instead: 'ask kindOf(head) (lib/heads/kind.ts)',
  },
  {
    what: 'a pooling',
    // Without 'max', which is also an aggregation of sub-words and a direction of early stopping.
    names: ['cls', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'],
    home: ['lib/pooling/**'],
    instead: 'export what you need from lib/pooling/poolings.ts',
  },
  {
    what: 'a family',
    names: ['bert', 'distilbert', 'roberta', 'xlm-roberta', 'camembert', 'mpnet'],
    home: ['lib/format/families.ts', 'lib/tokenizer/families.ts'],
    instead: 'give the rows of lib/format/families.ts or lib/tokenizer/families.ts a column',
  },
]

/** Values only: not types, and not the keys of objects. */
function restriction({ what, names, home, instead }) {
  const exactly = `/^(${names.join('|')})$/`
  const message = `The name of ${what} may be written as a value in ${home.join(', ')} only: ${instead}.`
  return [
    {
      selector: `:not(TSLiteralType) > Literal[value=${exactly}]:not(Property > Literal.key):not(TSPropertySignature > Literal.key)`,
      message,
    },
    { selector: `TemplateLiteral[expressions.length=0] > TemplateElement[value.raw=${exactly}]`, message },
  ]
}

const rule = (concepts) => ({ 'no-restricted-syntax': ['error', ...concepts.flatMap(restriction)] })

/** ESLint does not merge options, so the files at home of one concept get the restrictions of the others. */
export const literalRules = [
  { files: ['lib/**/*.ts'], rules: rule(CONCEPTS) },
  ...CONCEPTS.map((concept) => ({ files: concept.home, rules: rule(CONCEPTS.filter((other) => other !== concept)) })),
]
