declare module 'node-gyp-build' {
  const nodeGypBuild: {
    /** The addon file for this platform below `folder`: build/Release, else prebuilds. Throws where there is none. */
    resolve(folder: string): string
  }
  export default nodeGypBuild
}
