/** Sizes of a full run. The card says how much of it the committed weights have seen. */
export const PLAN = {
  /** Texts of the corpus, from its beginning, that the encoder is distilled on; how often it sees them. */
  texts: 350_000,
  epochs: 4,
  /** Texts that are mixed with SNIPS while the heads learn, and the epochs of that part. */
  headTexts: 65_536,
  headEpochs: 8,
}
