import { expect, it } from 'vitest'
import { Fields } from '../config-fields.ts'
import { readStoreConfig } from './config.ts'

function read(raw: unknown): { config: unknown; problems: string[] } {
  const problems: string[] = []
  return { config: readStoreConfig(new Fields(raw, 'store', problems)), problems }
}

it.each([
  { kind: 'sqlite', path: 'dred.db' },
  { kind: 'sqlite', path: 'dred.db', maxBytes: 16_777_216 },
  { kind: 'redis', url: 'redis://127.0.0.1:6379' },
  {
    kind: 'redis',
    url: 'rediss://redis.example.org',
    prefix: 'x:',
    username: 'dred',
    passwordFile: 'redis.txt',
    tls: { caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem', servername: 'redis' },
    replicas: 1,
    replicaTimeoutMs: 500,
  },
  {
    kind: 'redis',
    sentinels: ['redis://10.0.0.1:26379', 'redis://10.0.0.2:26379'],
    name: 'dred',
    sentinelUsername: 's',
    sentinelPasswordFile: 's.txt',
  },
  { kind: 'redis', nodes: ['redis://10.0.0.1', 'redis://10.0.0.2'], prefix: 'dred:{1}:' },
])('takes $kind as it is set: %j', (raw) => {
  expect(read(raw)).toEqual({ config: raw, problems: [] })
})

const redis = { kind: 'redis', url: 'redis://x' }
it.each([
  [{ kind: 'sqlite', path: 'a', maxBytes: 1 }, 'store.maxBytes has to be a whole number from 16777216 to 9007199254740991'],
  [{ kind: 'redis' }, 'store.url is missing; it is a redis:// or rediss:// address'],
  [{ ...redis, url: 'http://x' }, 'store.url has to be a redis:// or rediss:// address'],
  [{ ...redis, nodes: ['redis://x'] }, 'store.nodes has to be left out beside url'],
  [{ kind: 'redis', sentinels: ['redis://x'] }, 'store.name is missing; it is text'],
  [{ kind: 'redis', nodes: [] }, 'store.nodes has to be a list of redis:// or of rediss:// addresses'],
  [{ kind: 'redis', nodes: ['redis://x', 'rediss://y'] }, 'store.nodes has to be a list of redis:// or of rediss:// addresses'],
  [{ kind: 'redis', nodes: ['redis://x'], prefix: 'dred:' }, 'store.prefix has to be a text with a hash tag, as in dred:{1}:'],
  [{ ...redis, replicas: -1 }, 'store.replicas has to be a whole number from 0 to 16'],
  [{ ...redis, replicaTimeoutMs: 5_000 }, 'store.replicaTimeoutMs has to be a whole number from 10 to 4000'],
  [{ ...redis, tls: { ca: 'x' } }, 'store.tls.ca is not a setting'],
  [{ ...redis, password: 'hunter2' }, 'store.password is not a setting'],
])('says what is wrong with %j', (raw, problem) => {
  const { problems } = read(raw)
  expect(problems).toContain(problem)
  expect(problems.join()).not.toContain('hunter2')
})
