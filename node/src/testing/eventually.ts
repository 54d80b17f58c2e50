import { expect } from 'vitest'

/** Longer than what works takes, and shorter than a test may take: what fails says the last value beside the expected one. */
const PATIENCE_MS = 15_000

/** `await eventually(() => list.length).toBe(3)`: asks again and again until what follows holds. */
export const eventually = <T>(read: () => T): ReturnType<typeof expect.poll<T>> => expect.poll(read, { timeout: PATIENCE_MS, interval: 10 })
