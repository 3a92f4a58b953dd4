import { functionOf } from '../../base/arguments'
import { invalid } from '../../base/check'
import { warn } from '../../base/errors'
import type { RunRecord } from '../../report/record'
import { checkReportPath, writeReport } from '../../report/write'

/** Where the record of a fit goes. */
export interface ReportSink {
  /** Called before the first step. ERR_FILE if the report cannot be written. */
  check: () => Promise<void>
  take: (record: RunRecord) => Promise<void>
}

/** Checks the option `report`. */
export function reportSink(option: string | ((record: RunRecord) => void | Promise<void>) | undefined): ReportSink | undefined {
  if (option === undefined) return undefined
  if (typeof option === 'function') {
    const call = functionOf('report', option)!
    return { check: async () => {}, take: async (record) => call(record) }
  }
  if (typeof option !== 'string' || option === '') throw invalid('report', 'the path of an HTML file, or a function', option)
  return {
    check: () => checkReportPath(option),
    // Hours of training must not be lost because a disk is full.
    take: (record) => writeReport(option, record).catch((error: Error) => warn('SENTORCH_REPORT_NOT_WRITTEN', error.message)),
  }
}
