// How bytes stand in JSON files: as `{"hex": …}`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const vectorFolder = import.meta.dirname

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export const fromHex = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'hex'))

export const bytes = (length: number, value: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(value)

export const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, item: unknown) => (item instanceof Uint8Array ? { hex: hex(item) } : item)))

/** A file that was written with {@link plain}. */
export function readVectors<T>(file: string): T {
  return JSON.parse(readFileSync(join(vectorFolder, file), 'utf8'), (_, value: unknown) =>
    typeof value === 'object' && value !== null && 'hex' in value && typeof value.hex === 'string' && Object.keys(value).length === 1
      ? fromHex(value.hex)
      : value,
  ) as T
}
