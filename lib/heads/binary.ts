import { refusal } from '../base/arguments'
import type { ClassMetrics, HeadKind } from './kind'
import { multiLabel } from './multi-label'

/** One label and one logit, which means yes or no; in everything else a multi-label head. */
export const binary: HeadKind<string[], ClassMetrics> = {
  ...multiLabel,
  name: 'binary',
  matches: ({ labels, multiLabel }) => !multiLabel && labels.length === 1,
  checkExtension({ name }) {
    throw refusal(
      `Head '${name}' is binary: its only logit says yes or no, so it cannot take a second label. ` +
        `Remove it and add a head with all labels, or define it with multiLabel: true.`,
    )
  },
}
