/** Sizes of the run that makes the bundled model. */
export const PLAN = {
  /** Texts of the corpus, from its beginning, that the encoder is distilled on; how often it sees them. */
  texts: 65_536,
  epochs: 2,
  /** Texts that are mixed with SNIPS while the heads learn, and the epochs of that part. */
  headTexts: 16_384,
  headEpochs: 5,
}
