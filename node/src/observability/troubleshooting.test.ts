import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errors } from '@dred/protocol'
import { expect, test } from 'vitest'
import { catalogue } from './catalogue.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = await readFile(join(root, 'docs/operating/troubleshooting.md'), 'utf8')
const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('|--'))

async function sources(): Promise<string> {
  const folders = ['node/src', 'protocol/src', 'cli/src']
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(join(root, folder), { recursive: true })).map((f) => join(root, folder, f))),
  )
  const code = files.flat().filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  return (await Promise.all(code.map((file) => readFile(file, 'utf8')))).join('\n')
}

/** What is quoted in the first column. */
function quotes(): string[] {
  return rows.flatMap((row) => Array.from((row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g), ([, quote = '']) => quote))
}

test('every text that is quoted is one that the server says', async () => {
  const code = await sources()
  const texts = quotes().filter((quote) => /[ …]/.test(quote) && !quote.startsWith('dred_'))
  expect(texts.length).toBeGreaterThan(30)
  for (const text of texts) {
    for (const part of text
      .split('…')
      .map((piece) => piece.trim())
      .filter((piece) => piece.length > 3))
      expect({ text, said: code.includes(part) }).toEqual({ text, said: true })
  }
})

test('metrics and codes that it names are there', async () => {
  const names = new Set((await catalogue()).flatMap(({ definitions }) => definitions.map(({ name }) => name)))
  for (const [, name = ''] of page.matchAll(/`((?:dred|nodejs|process)_[a-z0-9_]+)/g)) expect(Array.from(names), name).toContain(name)
  for (const [, code = ''] of page.matchAll(/\b[45]\d\d `([a-z_]+)`/g)) expect(Object.keys(errors), code).toContain(code)
})

test('every section that other pages lead to is there', async () => {
  const headings = Array.from(page.matchAll(/^## (.+)$/gm), ([, title = '']) => title.toLowerCase().replaceAll(' ', '-'))
  const pages = await Promise.all(['alerts.md', 'metrics.md'].map((name) => readFile(join(root, 'docs/operating', name), 'utf8')))
  const anchors = [page, ...pages].flatMap((text) =>
    Array.from(text.matchAll(/\((?:troubleshooting\.md)?#([a-z-]+)\)/g), ([, anchor = '']) => anchor),
  )
  expect(anchors.length).toBeGreaterThan(8)
  for (const anchor of anchors.filter((name) => !name.startsWith('dred'))) expect(headings).toContain(anchor)
})
