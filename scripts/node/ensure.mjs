// Makes sure that a Node new enough for the whole project is there. npm on an older Node silently drops optional packages
// whose engines ask for more (hardhat's EVM among them), so a newer runtime has to be in place before the install counts.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The oldest Node that runs TypeScript without a flag; hardhat's EVM, oclif 5 and vitest 5 ask for 22.15. */
export const OLDEST_NODE = [22, 18]

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')

function isNewEnough(version) {
  const [major, minor] = version.replace('v', '').split('.').map(Number)
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
}

/** Path of the platform package's binary, or undefined when it is not installed. */
function bundledNode() {
  const modules = join(here, 'node_modules')
  if (!existsSync(modules)) return undefined
  const name = readdirSync(modules).find((entry) => entry.startsWith('node-'))
  if (!name) return undefined
  const binary = join(modules, name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  return existsSync(binary) ? binary : undefined
}

/** Runs npm under the given Node, everything it prints on stderr; throws when it fails. */
export function npm(node, args, cwd = root) {
  const cli = process.env.npm_execpath
  const [command, prefix] = cli?.endsWith('.js') ? [node, [cli]] : ['npm', []]
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}`, npm_config_loglevel: 'error' }
  const { status, error } = spawnSync(command, [...prefix, ...args], { cwd, env, stdio: ['ignore', 2, 2] })
  if (error) throw error
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed with exit code ${status}`)
}

/** Path of a Node that is new enough: the running one, else one from the npm registry, installed when missing. */
export function ensureNode() {
  if (isNewEnough(process.version)) return process.execPath
  if (!bundledNode()) {
    process.stderr.write(`Node ${process.version} is too old for Dred; installing Node 24 for this checkout …\n`)
    npm(process.execPath, ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], here)
  }
  const node = bundledNode()
  if (!node) {
    throw new Error(
      `Dred needs Node ${OLDEST_NODE.join('.')} or newer, and no package brings it for ${process.platform}-${process.arch}: install it from nodejs.org`,
    )
  }
  execFileSync(node, ['--version'])
  return node
}

/** Puts the runtime where npm scripts and npx look first. */
export function linkNode(node) {
  if (node === process.execPath && !node.startsWith(here)) return
  const bin = join(root, 'node_modules', '.bin')
  mkdirSync(bin, { recursive: true })
  const link = join(bin, process.platform === 'win32' ? 'node.exe' : 'node')
  rmSync(link, { force: true })
  symlinkSync(node, link)
}

// As the root's postinstall: an install that ran under an old Node is run again under the new one.
if (process.argv[1] === fileURLToPath(import.meta.url) && !process.env.DRED_BOOTSTRAP && !isNewEnough(process.version)) {
  const node = ensureNode()
  process.env.DRED_BOOTSTRAP = '1'
  npm(node, ['install', '--no-fund', '--no-audit', '--no-save'])
  linkNode(node)
}
