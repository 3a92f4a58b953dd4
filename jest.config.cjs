const swc = ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }]

/** @type {import('jest').Config} */
module.exports = {
  globalSetup: '<rootDir>/test/support/look-at-dist.mjs',
  testEnvironment: '<rootDir>/test/support/strict-environment.cjs',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // Packages that are ES modules only: Node requires them as they are, jest cannot.
  transform: { '^.+\\.ts$': swc, '/node_modules/(hyparquet|hyparquet-compressors|hysnappy)/.+\\.js$': swc },
  transformIgnorePatterns: ['/node_modules/(?!(hyparquet|hyparquet-compressors|hysnappy)/)'],
  // These have a CommonJS build as well.
  moduleNameMapper: {
    '^@observablehq/plot$': '<rootDir>/node_modules/@observablehq/plot/dist/plot.umd.min.js',
    '^d3(@.+/d3\\.min\\.js)?$': '<rootDir>/node_modules/d3/dist/d3.min.js',
  },
  // Each worker opens libtorch and holds models: two cores gain nothing from more.
  maxWorkers: 2,
  testTimeout: 60_000,
}
