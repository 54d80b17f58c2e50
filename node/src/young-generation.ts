import { setFlagsFromString } from 'node:v8'

/**
 * Keeps the part of the heap for new objects at the size that it has now, a few megabytes after loading. It would double with each wave of
 * connections up to 64 MB and more, and stay there, which for a few thousand readers that only wait is most of what they cost; measured,
 * collecting it more often costs nothing that shows.
 */
export function keepYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
