import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '../../..')

/** What makes a state machine depend on anything but its inputs. */
const impurities = {
  'the time': 'export const now = Date.now()',
  'a new date': 'export const now = new Date()',
  'the time since the start': 'export const now = performance.now()',
  'a locale': `export const formatted = new Intl.NumberFormat().format(1)`,
  'the order of a locale': `export const order = 'a'.localeCompare('b')`,
  'a timeout': 'setTimeout(() => undefined, 1)',
  'an interval': 'setInterval(() => undefined, 1)',
  'an immediate': 'setImmediate(() => undefined)',
  'a microtask': 'queueMicrotask(() => undefined)',
  'a random number': 'export const number = Math.random()',
  'a random number in disguise': 'const { random } = Math\nexport const number = random()',
  'random bytes': 'export const bytes = crypto.getRandomValues(new Uint8Array(1))',
  'random bytes of a library': `export { randomBytes } from '@noble/hashes/utils.js'`,
  'a promise': 'export const promise = Promise.resolve(1)',
  'an async function': 'export async function f() {}',
  'an async arrow': 'export const f = async () => undefined',
  'an async generator': 'export async function* f() {}',
  'an async method': 'export class C {\n  async f() {}\n}',
  'a built-in of Node': `export { readFileSync } from 'node:fs'`,
  'a built-in of Node, loaded later': `export const loaded = import('node:fs')`,
  'the global object': 'export const later = globalThis.setTimeout',
  'the process': 'export const { env } = process',
  'what is left to the garbage collector': 'export const reference = new WeakRef({})',
  'code made of text': `export const f = new Function('return 1')`,
  'the network': `export const answer = fetch('http://localhost')`,
}

it('the linter finds what the relay may not use', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dred-purity-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  const names = Object.keys(impurities)
  for (const part of ['core', 'topologies']) {
    mkdirSync(join(folder, 'protocol/src/relay', part), { recursive: true })
    writeFileSync(join(folder, 'protocol/src/relay', part, 'pure.ts'), 'export const sum = (a: number, b: number) => a + b\n')
    for (const [i, source] of Object.values(impurities).entries()) {
      writeFileSync(join(folder, 'protocol/src/relay', part, `impure-${i}.ts`), `${source}\n`)
    }
  }
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--format', 'json'], { cwd: folder, encoding: 'utf8' })
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] }
  const found = diagnostics.filter(({ code }) => /restricted|async/.test(code)).map(({ filename }) => filename.replaceAll('\\', '/'))
  const expected = ['core', 'topologies'].flatMap((part) => names.map((_, i) => `protocol/src/relay/${part}/impure-${i}.ts`))
  expect([...new Set(found)].sort()).toEqual(expected.sort())
})
