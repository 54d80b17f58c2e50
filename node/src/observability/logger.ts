import { type DestinationStream, type Logger, pino } from 'pino'
import type { NodeConfig } from '../config.ts'

/** Shorter ones are found everywhere, and tell little. */
const LEAST_SECRET = 6
const HIDDEN = '[hidden]'
/** What is secret wherever it comes from: users and passwords in addresses, tokens of this server and of others, private keys. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\/\/[^\s/"'@]+@/g, `//${HIDDEN}@`],
  [/\bBearer [\w.~+/=-]+/gi, `Bearer ${HIDDEN}`],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g, HIDDEN],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----/gs, HIDDEN],
]
const CAUSES = 4

/**
 * A logger of JSON lines that lets no secret of the configuration through, nor what looks like one.
 * @param destination default: stderr
 */
export function createLogger(
  config: Pick<NodeConfig, 'logLevel'> & Partial<Pick<NodeConfig, 'chain' | 'store' | 'serverKeyPassphrase'>>,
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  const secrets = secretsOf(config)
  return pino(
    { level: config.logLevel, base: null, serializers: { err: describeError }, hooks: { streamWrite: (line) => hide(line, secrets) } },
    destination,
  )
}

/** The texts of a configuration that must not be shown, the longest first. */
function secretsOf({ chain, store, serverKeyPassphrase }: Partial<NodeConfig>): string[] {
  const addresses = [chain?.rpcUrl, ...addressesOf(store)].filter((address) => address !== undefined)
  const texts = [serverKeyPassphrase, ...addresses.flatMap(secretParts)].filter((text) => text !== undefined)
  const written = texts.flatMap((text) => [text, decoded(text)]).flatMap((text) => [text, JSON.stringify(text).slice(1, -1)])
  return Array.from(new Set(written.filter(({ length }) => length >= LEAST_SECRET))).sort((a, b) => b.length - a.length)
}

function addressesOf(store: NodeConfig['store'] | undefined): string[] {
  if (store?.kind !== 'redis') return []
  if ('url' in store) return [store.url]
  return 'nodes' in store ? store.nodes : store.sentinels
}

/** Providers put keys into any part of an address but the host. */
function secretParts(address: string): string[] {
  if (!URL.canParse(address)) return [address]
  const { password, pathname, searchParams } = new URL(address)
  return [password, ...pathname.split('/').filter((part) => part.length > LEAST_SECRET), ...searchParams.values()]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function hide(line: string, secrets: readonly string[]): string {
  let shown = line
  for (const secret of secrets) shown = shown.replaceAll(secret, HIDDEN)
  for (const [pattern, instead] of PATTERNS) shown = shown.replace(pattern, instead)
  return shown
}

/** Of an error what it says: libraries hang requests, commands and their arguments on theirs. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, cause } = error
  const code = 'code' in error ? { code: error.code } : {}
  const caused = cause === undefined || depth >= CAUSES ? {} : { cause: describeError(cause, depth + 1) }
  return { type: name, message, ...code, stack, ...caused }
}
