import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { provisionRedis } from '../../scripts/provision.mjs'
import { freePort } from '../../node/src/testing/free-port.ts'
import { type Child, cores, launch } from '../lab/process.ts'

/** A Redis that flushes what it took to disk every second, as both Dred and the adapter of socket.io are given it. */
export async function startRedis(folder: string, name = 'redis'): Promise<Child & { port: number; version: string }> {
  const port = await freePort()
  const directory = join(folder, name)
  mkdirSync(directory, { recursive: true })
  // Rewriting its file would fall into one round and not into another.
  const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--auto-aof-rewrite-percentage', '0', '--save', '']
  const command = [provisionRedis(), '--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, ...durable]
  const redis = await launch(command, { name, folder, ready: /Ready to accept connections/, core: cores?.servers })
  return { ...redis, port, version: /Redis version=([\d.]+)/.exec(redis.output)?.[1] ?? 'unknown' }
}
