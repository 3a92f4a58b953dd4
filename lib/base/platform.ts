/** As npm and prebuildify name platforms: `linux-x64`. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`
}

/** The version of glibc that this process runs on; null on musl and on other systems. */
export function glibcVersion(): string | null {
  // With it, the report resolves the names of all open connections. The setting is the program's: it gets it back.
  const report = process.report as typeof process.report & { excludeNetwork?: boolean }
  const before = report.excludeNetwork
  report.excludeNetwork = true
  try {
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } }
    return header?.glibcVersionRuntime ?? null
  } finally {
    report.excludeNetwork = before
  }
}

/** True on a Linux without glibc (Alpine), for which there is no libtorch. */
export function isMusl(): boolean {
  return process.platform === 'linux' && glibcVersion() === null
}
