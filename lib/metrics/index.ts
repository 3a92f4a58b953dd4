export {
  calibrationError,
  fitTemperature,
  probabilities,
  type Calibration,
  type CalibrationBin,
  type CalibrationOptions,
  type Temperature,
} from './calibration'
export {
  accuracy,
  classificationReport,
  confusionMatrix,
  multiLabelReport,
  type ClassificationReport,
  type ConfusionMatrix,
  type Label,
  type MultiLabelReport,
  type ReportOptions,
} from './classification'
export { entityReport, frameAccuracy, type EntityReport, type EntityReportOptions } from './entities'
export { formatReport, type FormatOptions, type PrintableReport } from './format'
export type { Averages, LabelScores, Scores } from './scores'
