import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parse, TomlDate } from 'smol-toml'
import { type Address, isAddress } from 'viem'
import { readDeployment } from './deployments.ts'
import { CliError } from './errors.ts'
import { isServerTable, isSettingKey, type SettingKey, serverTables, settings, suggest, waysToSet } from './settings.ts'

type Value = string | number | string[]

/** One source of settings: texts as given, with where they came from for errors. */
interface Layer {
  /** Names the source of a key, e.g. `--rpc-url` or `chain.rpcUrl in ./dred.toml`. */
  source(key: SettingKey): string
  /** Folder that relative paths are relative to. */
  base: string
  values: Partial<Record<SettingKey, unknown>>
  /** What a file says of the server beside, see {@link isServerTable}. */
  server?: Record<string, unknown>
  /** What is wrong with the names in a file. */
  unknown?: CliError | undefined
}

export interface ConfigSources {
  /** Parsed flags of the command by flag name. */
  flags: Record<string, unknown>
  env: NodeJS.ProcessEnv
  cwd: string
}

/** Folder of the user's own configuration and keys. */
function userConfigDirectory(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'dred')
}

/**
 * The settings of a command, layered: flag > `DRED_*` > `./dred.toml` > the user's `config.toml` > defaults. `--config FILE` (or
 * `DRED_CONFIG`) stands in place of both files.
 */
export class Config {
  readonly #layers: Layer[]

  private constructor(layers: Layer[]) {
    this.#layers = layers
  }

  /** @throws CliError `config_unreadable` or `config_invalid` */
  static load(sources: ConfigSources): Config {
    const keys = Object.keys(settings).filter(isSettingKey)
    const fromFlags: Layer = {
      source: (key) => `--${settings[key].flag}`,
      base: sources.cwd,
      values: Object.fromEntries(keys.map((key) => [key, sources.flags[settings[key].flag]])),
    }
    const fromEnv: Layer = {
      source: (key) => settings[key].env,
      base: sources.cwd,
      values: Object.fromEntries(keys.map((key) => [key, sources.env[settings[key].env] || undefined])),
    }
    const given = [fromFlags, fromEnv, ...fileLayers(sources)]
    return new Config([...given.flatMap((layer) => [layer, ...deploymentLayer(layer)]), defaults(sources)])
  }

  /** Of each file the names that are no settings, as an error. */
  get unknown(): CliError[] {
    return this.#layers.map(({ unknown }) => unknown).filter((error) => error !== undefined)
  }

  /**
   * The settings, when no file has unknown ones.
   * @throws CliError `config_unknown_key`
   */
  sound(): this {
    const [first] = this.unknown
    if (first) throw first
    return this
  }

  /** Whether somebody set it; else there is at most a default. */
  isGiven(key: SettingKey): boolean {
    return this.#layers.slice(0, -1).some(({ values }) => values[key] !== undefined)
  }

  /** What files say of the server beside the settings, key by key; the names of files in it are absolute. */
  serverTables(): Record<string, unknown> {
    const tables = this.#layers.map(({ server = {}, base }) => withPaths(server, base) as Record<string, unknown>)
    return tables.reduceRight((under, over) => merged(under, over) as Record<string, unknown>, {})
  }

  text(key: SettingKey): string | undefined {
    const value = this.#value(key)
    return value === undefined ? undefined : String(value)
  }

  /** A text setting read as a file name, relative to where it was given. */
  path(key: SettingKey): string | undefined {
    for (const layer of this.#layers) {
      const given = layer.values[key]
      if (given !== undefined) return resolve(layer.base, String(read(key, given, layer)))
    }
    return undefined
  }

  integer(key: SettingKey): number | undefined {
    const value = this.#value(key)
    return value === undefined ? undefined : Number(value)
  }

  address(key: SettingKey): Address | undefined {
    const value = this.#value(key)
    return typeof value === 'string' && isAddress(value, { strict: false }) ? value : undefined
  }

  urls(key: SettingKey): string[] {
    const value = this.#value(key)
    return Array.isArray(value) ? value : []
  }

  /** @throws CliError `missing_value` naming the flag, the variable and the key */
  required<T>(key: SettingKey, value: T | undefined): T {
    if (value === undefined) throw missing(key)
    return value
  }

  #value(key: SettingKey): Value | undefined {
    for (const layer of this.#layers) {
      const given = layer.values[key]
      if (given !== undefined) return read(key, given, layer)
    }
    return undefined
  }
}

/** The error for a value that nothing gave. */
export function missing(key: SettingKey): CliError {
  return new CliError('usage', 'missing_value', `Say ${settings[key].what}: set ${waysToSet(key)}.`)
}

function read(key: SettingKey, given: unknown, layer: Layer): Value {
  const invalid = (expected: string) =>
    new CliError('usage', 'config_invalid', `${layer.source(key)} has to be ${expected}, not ${JSON.stringify(given)}.`)
  const { kind } = settings[key]
  switch (kind) {
    case 'integer': {
      const value = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalid('a whole number')
      return value
    }
    case 'urls': {
      const list = typeof given === 'string' ? given.split(',').map((part) => part.trim()) : given
      if (!Array.isArray(list) || !list.every(isHttpUrl)) throw invalid('http(s) addresses')
      return list
    }
    case 'url':
      if (!isHttpUrl(given)) throw invalid('an http(s) address')
      return given
    case 'address':
      if (typeof given !== 'string' || !isAddress(given, { strict: false })) throw invalid('an address (0x and 40 hexadecimal digits)')
      return given
    case 'path':
      if (typeof given !== 'string' || given === '') throw invalid('a file name')
      return resolve(layer.base, given)
    case 'text':
      // A TOML integer is as good as the text of it: `neighborhood = 1`.
      if (typeof given === 'number') return String(given)
      if (typeof given !== 'string' || given === '') throw invalid('a text')
      return given
  }
}

function isHttpUrl(value: unknown): value is string {
  return typeof value === 'string' && /^https?:$/.test(URL.parse(value)?.protocol ?? '')
}

type KeyType = 'wallet' | 'server' | 'attester' | 'device'

/** File of a user's own key of a kind, where `dred keys new` writes it unless told otherwise. */
export function ownKeyFile(type: KeyType, env: NodeJS.ProcessEnv = process.env): string {
  return join(userConfigDirectory(env), 'keys', `${type}.${type === 'wallet' ? 'json' : 'pem'}`)
}

/** Keys that the user has made without naming a file, and where a server listens and stores. */
function defaults({ env, cwd }: ConfigSources): Layer {
  const own = (type: KeyType) => (existsSync(ownKeyFile(type, env)) ? ownKeyFile(type, env) : undefined)
  return {
    source: (key) => `the default of --${settings[key].flag}`,
    base: cwd,
    values: {
      wallet: own('wallet'),
      deviceKey: own('device'),
      'attester.keyFile': own('attester'),
      'server.keyFile': own('server'),
      'server.port': 8080,
      'server.adminPort': 9090,
      'server.store': 'dred.db',
    },
  }
}

/** What the deployment says that a layer names; the layer's own values come first. */
function deploymentLayer(layer: Layer): Layer[] {
  const given = layer.values['chain.deployment']
  if (given === undefined) return []
  const name = String(read('chain.deployment', given, layer))
  const { chainId, startBlock, neighborhoodRegistry, serverRegistry, stakeToken, discovery } = readDeployment(name, layer.base)
  const values: Layer['values'] = {
    'chain.chainId': chainId,
    'chain.startBlock': startBlock,
    'chain.neighborhoodRegistry': neighborhoodRegistry,
    'chain.serverRegistry': serverRegistry,
    'chain.stakeToken': stakeToken,
    discovery,
  }
  return [{ source: (key) => `${key} of the deployment ${name}`, base: layer.base, values }]
}

function fileLayers({ flags, env, cwd }: ConfigSources): Layer[] {
  const explicit = flags['config'] ?? env['DRED_CONFIG']
  if (typeof explicit === 'string' && explicit !== '') {
    const path = resolve(cwd, explicit)
    const layer = fileLayer(path, explicit)
    if (!layer) throw new CliError('usage', 'config_unreadable', `There is no configuration file ${explicit}: check --config.`)
    return [layer]
  }
  const found = [fileLayer(join(cwd, 'dred.toml'), './dred.toml'), fileLayer(join(userConfigDirectory(env), 'config.toml'))]
  return found.filter((layer) => layer !== undefined)
}

/** @returns undefined when there is no such file */
function fileLayer(path: string, label = path): Layer | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined
    const cause = error instanceof Error ? error.message : String(error)
    throw new CliError('usage', 'config_unreadable', `${label} cannot be read (${cause}): make it readable or move it away.`)
  }
  let document: unknown
  try {
    document = parse(text)
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new CliError('usage', 'config_invalid', `${label} is not valid TOML: ${line}.`)
  }
  return { source: (key) => `${key} in ${label}`, base: dirname(path), ...flatten(document, label) }
}

/** Nested tables to dotted keys. All unknown keys are reported together. */
function flatten(document: unknown, label: string): Required<Pick<Layer, 'values' | 'server' | 'unknown'>> {
  const values: Layer['values'] = {}
  const server: Record<string, unknown> = {}
  const unknown: string[] = []
  const visit = (node: unknown, path: string) => {
    const [, table, below] = /^server\.([^.]+)(\..*)?$/.exec(path) ?? []
    const isServers = table !== undefined && isServerTable(table)
    if (isServers && below === undefined) server[table] = node
    if (isSettingKey(path)) values[path] = node
    else if (isTable(node)) for (const [name, child] of Object.entries(node)) visit(child, path === '' ? name : `${path}.${name}`)
    else if (!isServers) unknown.push(path)
  }
  visit(document, '')
  return { values, server, unknown: unknown.length > 0 ? unknownKeys(unknown, label) : undefined }
}

function unknownKeys(unknown: readonly string[], label: string): CliError {
  const candidates = [...Object.keys(settings), ...serverTables.map((name) => `server.${name}`)]
  const complaints = unknown.map((key) => {
    const near = suggest(key, candidates)
    return near ? `${key} (did you mean ${near}?)` : key
  })
  const what = unknown.length > 1 ? 'unknown keys' : 'an unknown key'
  return new CliError('usage', 'config_unknown_key', `${label} has ${what}: ${complaints.join(', ')}.`)
}

/** What is called `…File` names a file, relative to `base`. */
function withPaths(node: unknown, base: string): unknown {
  if (!isTable(node)) return node
  return Object.fromEntries(
    Object.entries(node).map(([name, child]) => {
      const isPath = name.endsWith('File') && typeof child === 'string' && child !== ''
      return [name, isPath ? resolve(base, child) : withPaths(child, base)]
    }),
  )
}

function merged(under: unknown, over: unknown): unknown {
  if (!isTable(under) || !isTable(over)) return over
  const names = new Set([...Object.keys(under), ...Object.keys(over)])
  return Object.fromEntries(Array.from(names, (name) => [name, name in over ? merged(under[name], over[name]) : under[name]]))
}

function isTable(node: unknown): node is Record<string, unknown> {
  return typeof node === 'object' && node !== null && !Array.isArray(node) && !(node instanceof TomlDate)
}
