/** For tests that run dist/ in a separate process: fails if dist/ is older than lib/. */
export function requireFreshDist(): void {
  if (process.env.SENTORCH_STALE_DIST) throw new Error('dist/ is older than lib/, and this test runs dist/. Run: npm run build')
}
