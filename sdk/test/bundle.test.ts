import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

/** Bytes over the wire. What makes the bundle grow beyond them should be worth a sentence in the commit that raises this. */
const MOST_GZIPPED_BYTES = 30_000

it('is small in a browser, and needs nothing of Node', async () => {
  const { metafile, outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../src/index.ts', import.meta.url))],
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const [{ text } = { text: '' }] = outputFiles
  expect(text).toContain('unsupported_environment')
  expect(gzipSync(text, { level: 9 }).length).toBeLessThan(MOST_GZIPPED_BYTES)
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
  expect(imports).toEqual([])
  expect(text).not.toMatch(/(?<![.\w$])(?:process\.|Buffer[.(]|require\(|__dirname\b|setImmediate\()/)
  // Pages with a strict content security policy run this too.
  expect(text).not.toMatch(/\beval\(|new Function\(|WebAssembly/)
})
