import { setFlagsFromString } from 'node:v8'

/**
 * Keeps the part of the heap for new objects at the size that it has now, which is least before modules are loaded. It would double with
 * each wave of connections or messages up to 128 MiB, and stay there, which for a few thousand readers that only wait is most of what they
 * cost.
 */
export function keepYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
