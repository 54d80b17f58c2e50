import { distance } from 'fastest-levenshtein'

/** How a setting's text is read. A path in a file is relative to that file, elsewhere to the working directory. */
type SettingKind = 'text' | 'integer' | 'address' | 'url' | 'path' | 'urls'

interface Setting {
  flag: string
  env: string
  kind: SettingKind
  /** What it is, as a noun phrase for help and errors. */
  what: string
}

/** Every setting by its key in `dred.toml`. Flag > environment > ./dred.toml > the user's config.toml. */
export const settings = {
  neighborhood: { flag: 'neighborhood', env: 'DRED_NEIGHBORHOOD', kind: 'text', what: 'the id of the neighborhood' },
  discovery: { flag: 'discovery', env: 'DRED_DISCOVERY', kind: 'urls', what: 'the address of a discovery API' },
  wallet: { flag: 'wallet', env: 'DRED_WALLET', kind: 'path', what: 'the key file of the wallet that pays and signs' },
  passwordFile: {
    flag: 'password-file',
    env: 'DRED_PASSWORD_FILE',
    kind: 'path',
    what: "a file whose first line is the wallet's password",
  },
  deviceKey: { flag: 'device-key', env: 'DRED_DEVICE_KEY', kind: 'path', what: 'the Ed25519 key file that signs messages' },
  'attester.keyFile': {
    flag: 'attester-key',
    env: 'DRED_ATTESTER_KEY_FILE',
    kind: 'path',
    what: "the file of the attester's P-256 private key, PKCS#8 PEM",
  },
  'attester.keyPassphraseFile': {
    flag: 'attester-key-passphrase-file',
    env: 'DRED_ATTESTER_KEY_PASSPHRASE_FILE',
    kind: 'path',
    what: 'a file whose first line opens the attester key',
  },
  'chain.deployment': {
    flag: 'deployment',
    env: 'DRED_DEPLOYMENT',
    kind: 'text',
    what: 'a deployment: its name, its chain id or its JSON file; gives the addresses below',
  },
  'chain.rpcUrl': { flag: 'rpc-url', env: 'DRED_RPC_URL', kind: 'url', what: "the chain's JSON-RPC address" },
  'chain.chainId': { flag: 'chain-id', env: 'DRED_CHAIN_ID', kind: 'integer', what: 'the id the chain has to have' },
  'chain.neighborhoodRegistry': {
    flag: 'neighborhood-registry',
    env: 'DRED_NEIGHBORHOOD_REGISTRY',
    kind: 'address',
    what: 'the address of the NeighborhoodRegistry',
  },
  'chain.serverRegistry': {
    flag: 'server-registry',
    env: 'DRED_SERVER_REGISTRY',
    kind: 'address',
    what: 'the address of the ServerRegistry',
  },
  'chain.stakeToken': { flag: 'stake-token', env: 'DRED_STAKE_TOKEN', kind: 'address', what: 'the ERC-20 that a new neighborhood stakes' },
  'chain.startBlock': { flag: 'start-block', env: 'DRED_START_BLOCK', kind: 'integer', what: 'the block the registries were deployed in' },
  'server.keyFile': {
    flag: 'key-file',
    env: 'DRED_SERVER_KEY_FILE',
    kind: 'path',
    what: "the file of the server's P-256 private key, PKCS#8 PEM",
  },
  'server.keyPassphraseFile': {
    flag: 'key-passphrase-file',
    env: 'DRED_SERVER_KEY_PASSPHRASE_FILE',
    kind: 'path',
    what: 'a file whose first line opens the server key',
  },
  'server.host': { flag: 'host', env: 'DRED_SERVER_HOST', kind: 'text', what: 'the address to listen on' },
  'server.port': { flag: 'port', env: 'DRED_SERVER_PORT', kind: 'integer', what: 'the port to listen on, 8080 by default' },
  'server.adminPort': {
    flag: 'admin-port',
    env: 'DRED_SERVER_ADMIN_PORT',
    kind: 'integer',
    what: 'the loopback port of health and metrics, 9090 by default',
  },
  'server.store': {
    flag: 'store',
    env: 'DRED_SERVER_STORE',
    kind: 'text',
    what: 'where messages are kept: a file name (SQLite, dred.db by default) or a redis:// address',
  },
  'server.processes.count': {
    flag: 'processes',
    env: 'DRED_SERVER_PROCESSES',
    kind: 'integer',
    what: 'how many processes share the port, 1 by default; more need a store in Redis',
  },
  'server.processes.internalHost': {
    flag: 'internal-host',
    env: 'DRED_SERVER_INTERNAL_HOST',
    kind: 'text',
    what: "the address at which this server's processes reach each other, 127.0.0.1 by default; for processes on several machines",
  },
  'server.tls.certFile': {
    flag: 'tls-cert-file',
    env: 'DRED_SERVER_TLS_CERT_FILE',
    kind: 'path',
    what: 'the file of the TLS certificate chain, PEM',
  },
  'server.tls.keyFile': {
    flag: 'tls-key-file',
    env: 'DRED_SERVER_TLS_KEY_FILE',
    kind: 'path',
    what: 'the file of the TLS private key, PEM',
  },
  'relay.topology': {
    flag: 'topology',
    env: 'DRED_RELAY_TOPOLOGY',
    kind: 'text',
    what: 'how messages go to the other servers: spt (by shortest paths), star or ring',
  },
  'server.logLevel': { flag: 'log-level', env: 'DRED_SERVER_LOG_LEVEL', kind: 'text', what: 'the least severe level that is logged' },
} as const satisfies Record<string, Setting>

export type SettingKey = keyof typeof settings

/** Further tables and values of `[server]` in `dred.toml`, which the relay server reads and checks itself. */
export const serverTables = [
  'acme',
  'admin',
  'altSvc',
  'drain',
  'identity',
  'limits',
  'maxStreams',
  'processes',
  'realtime',
  'redis',
  'retention',
  'sqlite',
  'tls',
  'tracing',
  'trustProxy',
] as const

export function isServerTable(name: string): boolean {
  return serverTables.some((table) => table === name)
}

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(settings, key)
}

/** How a person may give the setting: flag, variable, key. */
export function waysToSet(key: SettingKey): string {
  return `--${settings[key].flag}, ${settings[key].env} or ${key} in dred.toml`
}

/** The candidate nearest to a misspelt word, when one is near enough to be meant. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  // Of a dotted key the last part is what was misspelt: a long table's name makes no two keys alike.
  const meant = word.slice(word.lastIndexOf('.') + 1)
  return best && best.edits <= Math.max(2, Math.floor(meant.length / 3)) ? best.candidate : undefined
}
