import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { Cluster } from './cluster.ts'

let cluster: Cluster

afterEach(() => cluster.stop())

it('lets a process end by itself once its subscriptions are closed', async () => {
  cluster = await Cluster.start({ relays: 3 })
  const script = fileURLToPath(new URL('exit-fixture.ts', import.meta.url))
  const child = spawn(process.execPath, [script, cluster.discovery.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk))
  const [code] = (await once(child, 'exit')) as [number]
  expect({ code, said: Buffer.concat(said).toString() }).toEqual({ code: 0, said: 'received hello\n' })
})
