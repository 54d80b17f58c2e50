import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A Prometheus of its own on a free port. */
export interface TestPrometheus {
  /** @returns the values of the samples that an expression has now; `$job` and `$__rate_interval` are filled in. @throws when it is not one */
  query(expr: string): Promise<number[]>
  stop(): Promise<void>
}

/**
 * Starts a Prometheus that scrapes admin ports every half second.
 * @param rules path of a file of alerts
 */
export async function startPrometheus(urls: readonly string[], rules: string): Promise<TestPrometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'dred-prometheus-'))
  const targets = urls.map((url) => new URL(url).host)
  const config = {
    global: { scrape_interval: '500ms', evaluation_interval: '1s' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'dred', static_configs: [{ targets }] }],
  }
  const file = join(directory, 'prometheus.json')
  await writeFile(file, JSON.stringify(config))
  const options = ['--web.listen-address=127.0.0.1:0', `--config.file=${file}`, `--storage.tsdb.path=${join(directory, 'data')}`]
  const child = spawn('prometheus', options, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill()
    await ended
    await rm(directory, { recursive: true })
  }
  const said: string[] = []
  const lines = createInterface(child.stderr)
  const address = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line)
      const [, found] = /Listening on".*address=(127\.0\.0\.1:[1-9]\d*)/.exec(line) ?? []
      if (found !== undefined) resolve(found)
    })
    child.once('exit', () => reject(new Error(`Prometheus ended: ${said.slice(-3).join('\n')}`)))
  })
  const query = async (expr: string): Promise<number[]> => {
    const filled = expr.replaceAll('$__rate_interval', '5s').replaceAll('$job', 'dred.*')
    const body = new URLSearchParams({ query: filled })
    const response = await fetch(`http://${address}/api/v1/query`, { method: 'POST', body })
    const answer = (await response.json()) as { status: string; error?: string; data?: { result: { value: [number, string] }[] } }
    if (answer.status !== 'success') throw new Error(`${filled}: ${answer.error}`)
    return (answer.data?.result ?? []).map(({ value }) => Number(value[1]))
  }
  return { query, stop }
}
