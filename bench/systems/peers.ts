import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the npm packages of peers are installed, apart from the product's. */
export const peerFolder = join(import.meta.dirname, '../peers')

/** Of a package that is installed for the peers. */
export function versionOf(name: string, folder = peerFolder): string {
  return (JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version
}

/** Makes up channels for who need not be told of them before: each time others. */
export function newChannels(prefix = 'c'): (count: number) => Promise<string[]> {
  let made = 0
  return async (count) => Array.from({ length: count }, () => `${prefix}${made++}`)
}
