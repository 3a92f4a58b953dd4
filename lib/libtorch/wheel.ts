/** A wheel and what is kept of it. Paths are those inside the wheel. */
export interface Wheel {
  name: string
  version: string
  /**
   * The one file that the values below belong to: builds for other Pythons hold other bytes. Nothing of it is Python's but the name,
   * so the Python that is installed, if any, does not matter.
   */
  file: string
  /** Size of the wheel in bytes. */
  bytes: number
  /** sha256 of the wheel's RECORD, which in turn holds the sha256 of every member. */
  record: string
  /** Needed to run or to link. */
  libraries: readonly string[]
  /** Kept as well when CUDA is asked for. */
  cudaLibraries?: readonly string[]
  /** True where the headers for building are. */
  headers?: true
}
