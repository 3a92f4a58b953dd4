import prettier from 'eslint-config-prettier'
import { defineConfig, globalIgnores } from 'eslint/config'
import eslint from '@eslint/js'
import tseslint from 'typescript-eslint'
import { lateHandler } from './scripts/support/late-handler.mjs'
import { literalRules } from './scripts/support/literals.mjs'

const node = Object.fromEntries(
  [
    'AbortController',
    'AbortSignal',
    'Buffer',
    'URL',
    'clearTimeout',
    'console',
    'fetch',
    'performance',
    'process',
    'setImmediate',
    'setInterval',
    'setTimeout',
  ].map((name) => [name, 'readonly']),
)

export default defineConfig(
  globalIgnores(['dist/', 'build/', 'prebuilds/', 'test/fixtures/', 'test/golden/', '**/*.d.ts']),
  eslint.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    plugins: { sentorch: { rules: { 'late-handler': lateHandler } } },
    languageOptions: { parserOptions: { project: ['test/tsconfig.json', 'examples/tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-floating-promises': 'error',
      // Without `await` the `catch` and `finally` around it do not see the rejection, or run too early.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      'sentorch/late-handler': 'error',
      // Indexing a typed array inside a checked bound is the daily bread here; `noUncheckedIndexedAccess` types it as possibly undefined.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' }],
      // `describe()` prints values of any type, on purpose.
      '@typescript-eslint/no-base-to-string': 'off',
      // An async function that awaits nothing still keeps the promise that it never throws synchronously.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // A default would take in whatever is added to the union later.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: false, requireDefaultForNonUnion: true },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Tests hand wrong values to the API on purpose, and read JSON of any shape.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-require-imports': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // A test may begin a call and look at it later: where that rejects in between, test/support/strict-environment.cjs fails the test.
      'sentorch/late-handler': 'off',
    },
  },
  ...literalRules,
  // The addon's path is known only at run time.
  { files: ['lib/native/addon.ts'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    files: ['**/*.{js,cjs,mjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: node },
    rules: { 'sentorch/late-handler': 'off' },
  },
  {
    files: ['**/*.{js,cjs}'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { __dirname: 'readonly', __filename: 'readonly', exports: 'writable', module: 'writable', require: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  prettier,
)
