import { typescriptIsStale } from '../../scripts/support/typescript.mjs'

/** jest's global set-up: looks, and builds nothing, since most tests compile lib/ themselves. `requireFreshDist` reads what it leaves. */
export default function lookAtDist() {
  if (typescriptIsStale()) process.env.SENTORCH_STALE_DIST = '1'
  else delete process.env.SENTORCH_STALE_DIST
}
