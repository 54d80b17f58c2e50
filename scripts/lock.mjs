// Gives every optional platform package an entry in package-lock.json. npm leaves out those that it did not install itself
// when it writes a lock file, and `npm ci` then refuses the lock, or other platforms install without their binaries. Run after
// every `npm install`; `--check` fails when an entry is missing or names a registry.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors = { 'arm-eabi': 'arm', 'arm-gnueabihf': 'arm', 'arm-musleabihf': 'arm' }

/** `os`, `cpu` and `libc` as a platform package's name has them. */
function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = systems.find((system) => words.includes(system))
  const cpu = Object.entries(processors).find(([ending]) => name.endsWith(ending))?.[1] ?? words[words.indexOf(os) + 1]
  const libc = name.includes('musl') ? 'musl' : name.includes('gnu') ? 'glibc' : undefined
  if (!os || !cpu) throw new Error(`${name} does not say for which platform it is`)
  return { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) }
}

/** Whether a package installed at `path` finds `name` in the lock, as Node looks it up. */
function isLocked(path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(at.lastIndexOf('node_modules/') - 1, 0))) {
    if (lock.packages[`${at}${at === '' ? '' : '/'}node_modules/${name}`]) return true
    if (at === '') return false
  }
}

const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {}, dev }]) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => !isLocked(path, name))
    .map(([name, version]) => ({ name, version, dev })),
)
const named = Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined && /^https?:/.test(resolved))

if (process.argv.includes('--check')) {
  for (const { name, version } of missing)
    process.stderr.write(`package-lock.json has no entry for ${name}@${version}: run node scripts/lock.mjs\n`)
  for (const [path] of named) process.stderr.write(`package-lock.json names a registry for ${path}\n`)
  process.exit(missing.length + named.length === 0 ? 0 : 1)
}
for (const { name, version, dev } of missing) {
  if (!/^[0-9]/.test(version)) throw new Error(`${name} is asked for as ${version}, not as one version`)
  lock.packages[`node_modules/${name}`] = { version, ...platformOf(name), ...(dev ? { dev } : {}), optional: true }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
