// What the tests need besides npm packages. Plain Node without dependencies.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * @returns the path of a `redis-server` program, installed if need be; a Redis that runs is not touched and none is started
 * @throws Error with one line that says what to install
 */
export function provisionRedis() {
  return provision({ programs: ['redis-server'], debian: 'redis-server', name: 'Redis 6.2 or newer' })
}

/**
 * @returns the path of a Chromium program, installed if need be
 * @throws Error with one line that says what to install
 */
export function provisionChromium() {
  const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  return provision({ programs, debian: 'chromium', name: 'Chromium or Chrome' })
}

/**
 * @returns the path of a `nats-server` program, installed if need be
 * @throws Error with one line that says what to install
 */
export function provisionNats() {
  return provision({ programs: ['nats-server'], debian: 'nats-server', name: 'NATS', for: 'benchmark needs' })
}

/**
 * @returns the path of a `mosquitto` program, installed if need be
 * @throws Error with one line that says what to install
 */
export function provisionMosquitto() {
  return provision({ programs: ['mosquitto'], debian: 'mosquitto', name: 'Mosquitto', for: 'benchmark needs' })
}

/**
 * @returns the path of a `caddy` program, installed if need be
 * @throws Error with one line that says what to install
 */
export function provisionCaddy() {
  return provision({ programs: ['caddy'], debian: 'caddy', name: 'Caddy' })
}

/**
 * @returns the path of an `nginx` program, installed if need be
 * @throws Error with one line that says what to install
 */
export function provisionNginx() {
  return provision({ programs: ['nginx'], debian: 'nginx-light', name: 'nginx' })
}

/**
 * @returns the path of a `pebble` program, an ACME server for tests, installed if need be
 * @throws Error with one line that says what to install
 */
export function provisionPebble() {
  return provision({ programs: ['pebble'], debian: 'pebble', name: 'Pebble' })
}

/**
 * @returns the path of a `prometheus` program, installed with `promtool` beside it if need be
 * @throws Error with one line that says what to install
 */
export function provisionPrometheus() {
  return provision({ programs: ['prometheus'], debian: 'prometheus', name: 'Prometheus' })
}

function provision({ programs, debian, name, for: who = 'tests need' }) {
  const found = find(programs)
  if (found) return found
  const advice = `The ${who} ${name}: install ${programs[0]} so that it is on the PATH (Debian: apt-get install ${debian}).`
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) throw new Error(advice)
  process.stderr.write(`Installing ${debian} (once) …\n`)
  const problem = install(debian)
  const installed = find(programs)
  if (!installed) throw new Error(problem ? `${advice} apt-get said: ${problem}` : advice)
  return installed
}

function find(programs) {
  // Servers are where only root's PATH may lead.
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']) {
    for (const program of programs) {
      const path = join(directory, program)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // Not here.
      }
    }
  }
  return undefined
}

/** Installs a Debian package; its services are neither started nor restarted. @returns the last line of what went wrong */
function install(debian) {
  // Asked by the package's scripts before they start anything; 101 means no.
  const policy = '/usr/sbin/policy-rc.d'
  const ownPolicy = !existsSync(policy)
  if (ownPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return apt(['update']) ?? apt(['install', '--yes', '--no-install-recommends', debian])
  } finally {
    if (ownPolicy) rmSync(policy)
  }
}

function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1', NEEDRESTART_SUSPEND: '1' }
  const { status, stderr, error } = spawnSync('apt-get', ['--quiet', ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  if (status === 0) return undefined
  return (error?.message ?? stderr).trim().split('\n').at(-1)
}
