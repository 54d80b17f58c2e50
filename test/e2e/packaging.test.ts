import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { Config } from '../../cli/src/config.ts'
import { nodeConfig } from '../../cli/src/services/node-config.ts'
import { deployment } from '../../cli/src/testing/deployment.ts'
import { root } from './processes.ts'

const file = (name: string): string => readFileSync(join(root, 'packaging', name), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'dred-packaging-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the systemd unit', () => {
  const unit = file('dred.service')
  const hasTool = spawnSync('systemd-analyze', ['--version']).status === 0
  // What the unit starts is not installed here.
  const path = join(folder, 'dred.service')
  writeFileSync(path, unit.replace(/^ExecStart=\S+ \S+/m, `ExecStart=${process.execPath} ${join(root, 'cli/bin/run.js')}`))

  test.skipIf(!hasTool)('is one that systemd understands', () => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' })
    expect({ status, stderr: stderr.split('\n').filter((line) => line.includes('dred.service')) }).toEqual({ status: 0, stderr: [] })
  })

  test.skipIf(!hasTool)('leaves little exposed', () => {
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=yes', '--no-pager', path], { encoding: 'utf8' })
    const exposure = Number(/Overall exposure level for dred\.service: ([\d.]+)/.exec(stdout)?.[1])
    expect(exposure).toBeLessThan(2)
  })

  test('waits for a drain, and gives up where starting again is of no use', () => {
    const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]
    const drain = { delayMs: 0, timeoutMs: 5_000 }
    expect(Number(setting('TimeoutStopSec')) * 1_000).toBeGreaterThan(drain.delayMs + 2 * drain.timeoutMs + 8_000)
    expect(setting('RestartPreventExitStatus')).toBe('2 4 6')
    expect(setting('Restart')).toBe('on-failure')
    expect(unit).not.toMatch(/password|passphrase|token/i)
  })
})

describe('the container', () => {
  const dockerfile = file('Dockerfile')

  test('the Dockerfile has no mistakes, no secrets, and does not run as root', () => {
    expect(validate(dockerfile)).toEqual([])
    const stages = dockerfile.split(/^FROM /m)
    const last = stages.at(-1) ?? ''
    expect(stages).toHaveLength(3)
    expect(last).toMatch(/^USER node$/m)
    expect(last).toMatch(/^ENTRYPOINT \["node", .*\]$/m)
    expect(last).toMatch(/^HEALTHCHECK .* CMD \[.*\]$/m)
    expect(dockerfile).toContain('npm ci --omit=dev')
    expect(dockerfile).not.toMatch(/^(ARG|ENV) .*(KEY|SECRET|PASS|TOKEN)/m)
    expect(file('Dockerfile.dockerignore').split('\n')).toEqual(expect.arrayContaining(['**/*.pem', '.git', '**/node_modules']))
  })

  interface Service {
    image?: string
    volumes?: string[]
    secrets?: (string | { source: string; target: string })[]
    environment?: Record<string, string>
    command?: string[]
    [name: string]: unknown
  }
  const compose = parse(file('compose.yaml')) as {
    services: Record<string, Service>
    volumes: Record<string, unknown>
    secrets: Record<string, { file: string }>
  }

  test('the compose file names only what it has, and confines every service', () => {
    const { services, volumes, secrets } = compose
    for (const service of Object.values(services)) {
      for (const mount of service.volumes ?? []) {
        const source = String(mount.split(':')[0])
        const isThere = source.startsWith('.') ? existsSync(join(root, 'packaging', source)) : source in volumes
        // The operator makes it.
        expect([source, isThere || source === './config']).toEqual([source, true])
      }
      for (const secret of service.secrets ?? []) expect(secrets).toHaveProperty([typeof secret === 'string' ? secret : secret.source])
      expect(service).toMatchObject({ cap_drop: ['ALL'], restart: expect.stringMatching(/^(always|on-failure)$/) as unknown })
      expect(service.image ?? 'build:1').toMatch(/:[^:]*\d/)
    }
    expect(Object.keys(services)).toEqual(['dred', 'redis', 'prometheus', 'grafana'])
    expect(Object.values(services).map(({ profiles }) => profiles)).toEqual([undefined, undefined, ['observability'], ['observability']])
    expect(services['redis']?.command?.join(' ')).toMatch(/--appendonly yes .*--maxmemory-policy noeviction/)
    expect(Object.keys(services['dred']?.environment ?? {}).every((name) => name.endsWith('_FILE'))).toBe(true)
  })

  const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0
  test.skipIf(!hasCompose)('compose takes the file', () => {
    const { status, stderr } = spawnSync('docker', ['compose', '--file', join(root, 'packaging/compose.yaml'), 'config', '--quiet'], {
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})

test('unit and image keep what new objects and threads take of the memory small', () => {
  const settings = 'NODE_OPTIONS=--max-semi-space-size=8 MALLOC_ARENA_MAX=2'
  expect(file('dred.service')).toMatch(new RegExp(`^Environment=${settings}$`, 'm'))
  expect(
    file('Dockerfile')
      .split(/^FROM /m)
      .at(-1),
  ).toMatch(new RegExp(`^ENV ${settings}$`, 'm'))
})

test('the example of a configuration is one', async () => {
  writeFileSync(join(folder, 'deployment.json'), JSON.stringify(deployment))
  writeFileSync(join(folder, 'dred.toml'), file('dred.toml'))
  const settings = Config.load({ flags: { config: 'dred.toml' }, env: { DRED_SERVER_KEY_FILE: '/run/server.pem' }, cwd: folder })
  expect(await nodeConfig(settings)).toMatchObject({
    port: 8443,
    tls: { certFile: join(folder, 'tls/fullchain.pem') },
    store: { kind: 'redis', passwordFile: '/run/secrets/redis_password' },
  })
})
