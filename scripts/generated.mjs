import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

/**
 * Writes a page that a script generates; with `--check` ends with 1 when the committed one differs.
 * @param path from the root
 */
export function generated(path, page) {
  const file = new URL(`../${path}`, import.meta.url)
  if (!process.argv.includes('--check')) {
    writeFileSync(file, page)
  } else if (readFileSync(file, 'utf8') !== page) {
    process.stderr.write(`${path} is out of date: run node scripts/${basename(process.argv[1])}\n`)
    process.exit(1)
  }
}
