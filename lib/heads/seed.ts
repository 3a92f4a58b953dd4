import { crc32 } from 'node:zlib'

/**
 * The seed from which native code draws new weights of a head, as PyTorch would after `torch.manual_seed`: `seed` + CRC-32 of the name + labels
 * that the head has already, modulo 2^32. Heads of one shape therefore begin with different weights, and so do labels that are added one after another.
 */
export function drawSeed(seed: number, name: string, labels = 0): number {
  return (seed + crc32(name) + labels) % 2 ** 32
}
