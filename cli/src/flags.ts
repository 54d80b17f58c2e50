import { Flags } from '@oclif/core'
import { type SettingKey, settings } from './settings.ts'

/** The flag of a setting. Values stay text here: the layered settings check them, whatever source they come from. */
function settingFlag(key: SettingKey) {
  const { what, env } = settings[key]
  return Flags.string({ description: `${what.charAt(0).toUpperCase()}${what.slice(1)} [${env}, ${key}]`, helpGroup: groupOf(key) })
}

function groupOf(key: SettingKey): string {
  if (key.startsWith('chain.')) return 'CHAIN'
  if (key.startsWith('server.')) return 'SERVER'
  if (key.startsWith('attester.')) return 'ATTESTER'
  return 'ACCOUNT AND NETWORK'
}

/** Where the registries are. */
export const chainFlags = {
  'rpc-url': settingFlag('chain.rpcUrl'),
  deployment: settingFlag('chain.deployment'),
  'chain-id': settingFlag('chain.chainId'),
  'neighborhood-registry': settingFlag('chain.neighborhoodRegistry'),
  'server-registry': settingFlag('chain.serverRegistry'),
  'start-block': settingFlag('chain.startBlock'),
}

/** Which wallet pays. */
export const walletFlags = { wallet: settingFlag('wallet'), 'password-file': settingFlag('passwordFile') }

export const discoveryFlags = { discovery: settingFlag('discovery') }
export const neighborhoodFlags = { neighborhood: settingFlag('neighborhood') }
export const deviceFlags = { 'device-key': settingFlag('deviceKey') }
export const stakeTokenFlags = { 'stake-token': settingFlag('chain.stakeToken') }
export const serverKeyFlags = { 'key-file': settingFlag('server.keyFile'), 'key-passphrase-file': settingFlag('server.keyPassphraseFile') }
export const attesterFlags = {
  'attester-key': settingFlag('attester.keyFile'),
  'attester-key-passphrase-file': settingFlag('attester.keyPassphraseFile'),
}

/** How a server listens and keeps its messages. */
export const serveFlags = {
  host: settingFlag('server.host'),
  port: settingFlag('server.port'),
  'admin-port': settingFlag('server.adminPort'),
  store: settingFlag('server.store'),
  processes: settingFlag('server.processes.count'),
  'internal-host': settingFlag('server.processes.internalHost'),
  'tls-cert-file': settingFlag('server.tls.certFile'),
  'tls-key-file': settingFlag('server.tls.keyFile'),
  topology: settingFlag('relay.topology'),
  'log-level': settingFlag('server.logLevel'),
}
