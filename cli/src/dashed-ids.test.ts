import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { markIds, unmarked } from './dashed-ids.ts'

const id = `-OgSIkm${'-_a9'.repeat(9)}`

test('ids that begin with a dash are no flags, and come out as they were', () => {
  expect(id).toHaveLength(43)
  const marked = markIds(['channel', 'send', id, '-', '--json', '-c', '--', id])
  expect(marked).toEqual(['channel', 'send', `\0${id}`, '-', '--json', '-c', '--', id])
  expect(unmarked({ channel: marked[2], many: [marked[2], 3], on: true })).toEqual({ channel: id, many: [id, 3], on: true })
})

test('no flag is as long as an id', () => {
  const manifest = JSON.parse(readFileSync(new URL('../oclif.manifest.json', import.meta.url), 'utf8')) as {
    commands: Record<string, { flags: Record<string, unknown> }>
  }
  const flags = Object.values(manifest.commands).flatMap((command) => Object.keys(command.flags).map((name) => `--${name}`))
  expect(flags).not.toEqual([])
  expect(flags.filter((flag) => flag.length === id.length)).toEqual([])
})
