#!/usr/bin/env node
// Stands in for node-gyp where prebuildify calls it (`--node-gyp FILE`, which must be executable): builds with cmake-js,
// and puts the results where prebuildify expects them, in build/Release below its working folder. prebuildify moves and strips these files.
import fs from 'node:fs'
import path from 'node:path'
import { main } from './support/console.mjs'
import { buildNative, nativeIsStale, outputs } from './build-native.mjs'

await main(async () => {
  if (nativeIsStale()) await buildNative()
  const release = path.resolve('build/Release')
  fs.mkdirSync(release, { recursive: true })
  for (const file of outputs) fs.copyFileSync(file, path.join(release, path.basename(file)))
})
