/** For tests that run dist/ in a process of its own: they must not pass or fail for the sake of a lib/ of yesterday. */
export function requireFreshDist(): void {
  if (process.env.SENTORCH_STALE_DIST) throw new Error('dist/ is older than lib/, and this test runs dist/. Run: npm run build')
}
