import { stripVTControlCharacters } from 'node:util'

/** Where a command writes: results on stdout, everything else on stderr. */
export interface Streams {
  stdout: { write(text: string): unknown; isTTY?: boolean }
  stderr: { write(text: string): unknown; isTTY?: boolean }
}

/**
 * The one way to print. With `json` stdout carries exactly one document (or one per line for commands that stream) and nothing
 * else; without it stdout carries what `human` renders.
 */
export class Output {
  readonly json: boolean
  readonly streams: Streams
  #resultPrinted = false

  constructor(json: boolean, streams: Streams = process) {
    this.json = json
    this.streams = streams
  }

  /** The result of a command. `human` is called only when it is shown. */
  result(document: unknown, human: () => string): void {
    this.#resultPrinted = true
    this.streams.stdout.write(this.json ? `${JSON.stringify(document, bigintsAsText, 2)}\n` : endLine(human()))
  }

  /** One item of a stream of results, NDJSON with `json`. */
  item(document: unknown, human: () => string): void {
    this.#resultPrinted = true
    this.streams.stdout.write(this.json ? `${JSON.stringify(document, bigintsAsText)}\n` : endLine(human()))
  }

  /** What is worth knowing but no result: progress, hints, warnings. */
  note(text: string): void {
    this.streams.stderr.write(endLine(text))
  }

  /** The end of a command that failed: a sentence, and a document where stdout has none yet. */
  error(error: { code: string; message: string }): void {
    this.streams.stderr.write(endLine(error.message))
    if (this.json && !this.#resultPrinted)
      this.streams.stdout.write(`${JSON.stringify({ error: { code: error.code, message: error.message } }, null, 2)}\n`)
  }
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}

function bigintsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

/** Columns aligned with spaces, the first row as header. Cells must not contain line breaks. */
export function table(header: string[], rows: string[][]): string {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => visibleLength(row[column] ?? ''))))
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, column) => pad(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `name  value` lines with the names aligned. */
export function fields(entries: [name: string, value: string][]): string {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - visibleLength(cell)))
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length
}
