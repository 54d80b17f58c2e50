import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from '@oclif/core'
import { expect, test } from 'vitest'

const folder = fileURLToPath(new URL('commands', import.meta.url))

interface Manifest {
  commands: Record<string, { summary?: string; flags: Record<string, unknown>; args: Record<string, unknown> }>
}

// The program finds its commands in the manifest alone: one that is missing there does not exist.
test('the committed manifest describes the commands as they are: `npm run manifest -w cli` renews it', async () => {
  const manifest = JSON.parse(readFileSync(new URL('../oclif.manifest.json', import.meta.url), 'utf8')) as Manifest
  const files = globSync('**/*.ts', { cwd: folder })
  const actual = await Promise.all(
    files.map(async (file) => {
      const { default: command } = (await import(`${folder}/${file}`)) as { default: Command.Class }
      const id = file
        .replace(/\.ts$/, '')
        .replace(/\/index$/, '')
        .replaceAll('/', ':')
      const flags = Object.keys({ ...command.baseFlags, ...command.flags }).sort()
      return [id, { summary: command.summary, flags, args: Object.keys(command.args) }]
    }),
  )
  const described = Object.entries(manifest.commands).map(([id, { summary, flags, args }]) => [
    id,
    { summary, flags: Object.keys(flags).sort(), args: Object.keys(args) },
  ])
  expect(Object.fromEntries(described)).toEqual(Object.fromEntries(actual))
  expect(files.length).toBeGreaterThan(10)
})
