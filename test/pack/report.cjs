/** Prints what the check compares: the vectors, and, when asked, the native files that this process has opened. */
exports.report = (vectors, withFiles = false) => {
  const native = withFiles
    ? process.report.getReport().sharedObjects.filter((file) => /sentorch(_core)?\.(node|so|dylib|dll)$/.test(file))
    : undefined
  console.log(JSON.stringify({ vectors: [...vectors].map((vector) => [...vector]), native }))
}
