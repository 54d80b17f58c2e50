import { Wallet } from '@ethereumjs/wallet'
import { type Address, bytesToHex, getAddress, type Hex, hexToBytes, isAddress } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import type { Config } from '../config.ts'
import { CliError } from '../errors.ts'
import { hasCode, readSecret, writeNewSecret } from './files.ts'
import { passwordOf } from './passwords.ts'

/** Work that a guess of the password costs: 2^17 scrypt rounds, some 128 MiB. */
const SCRYPT_ROUNDS = 131_072

/**
 * Writes a wallet key as a Web3 Secret Storage v3 file, mode 0600.
 * @param options.privateKey 32 bytes; new random ones by default
 * @param options.rounds scrypt's n, a power of two
 * @returns the wallet's address
 * @throws CliError `file_exists`
 */
export async function createWalletFile(
  path: string,
  password: string,
  options: { privateKey?: Hex; rounds?: number } = {},
): Promise<Address> {
  const wallet = options.privateKey ? Wallet.fromPrivateKey(hexToBytes(options.privateKey)) : Wallet.generate()
  const content = await wallet.toV3String(password, { kdf: 'scrypt', n: options.rounds ?? SCRYPT_ROUNDS })
  await writeNewSecret(path, `${content}\n`)
  return getAddress(wallet.getAddressString())
}

/**
 * Opens a wallet's key file.
 * @throws CliError `key_file` when it is missing or no such file, `wrong_password`
 */
export async function openWalletFile(path: string, password: string): Promise<PrivateKeyAccount> {
  const content = await readWalletFile(path)
  let wallet: Wallet
  try {
    wallet = await Wallet.fromV3(content, password, true)
  } catch (cause) {
    if (cause instanceof Error && /possibly wrong passphrase|mac/i.test(cause.message)) {
      throw new CliError('auth', 'wrong_password', { message: `The password does not open ${path}: check --password-file.`, cause })
    }
    throw new CliError('auth', 'key_file', {
      message: `${path} is damaged or uses a key derivation that is not supported: restore it.`,
      cause,
    })
  }
  return privateKeyToAccount(bytesToHex(wallet.getPrivateKey()))
}

async function readWalletFile(path: string): Promise<string> {
  let content: string
  try {
    content = await readSecret(path)
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    const message = hasCode(cause, 'ENOENT')
      ? `There is no wallet file ${path}: make one with \`dred keys new --type wallet\`.`
      : `The wallet file ${path} cannot be read: make it readable for this user.`
    throw new CliError('auth', 'key_file', { message, cause })
  }
  const isV3 = (value: unknown) =>
    typeof value === 'object' && value !== null && 'version' in value && value.version === 3 && 'crypto' in value
  try {
    if (isV3(JSON.parse(content.toLowerCase()))) return content
  } catch {
    // Said below.
  }
  throw new CliError('auth', 'key_file', `${path} is not a wallet key file (Web3 Secret Storage, version 3): check --wallet.`)
}

/** The wallet that pays and signs, opened as the settings say; the password is asked for on a terminal. */
export async function walletOf(settings: Config): Promise<PrivateKeyAccount> {
  const path = settings.required('wallet', settings.text('wallet'))
  await readWalletFile(path)
  return openWalletFile(path, await passwordOf(settings, { confirm: false, what: `the password of ${path}` }))
}

/**
 * The address of the configured wallet, which its file says without the password; files that don't are opened.
 * @throws CliError as {@link walletOf}
 */
export async function walletAddress(settings: Config): Promise<Address> {
  const path = settings.required('wallet', settings.text('wallet'))
  const { address } = JSON.parse(await readWalletFile(path)) as { address?: unknown }
  const text = typeof address === 'string' ? `0x${address.replace(/^0x/, '')}` : ''
  return isAddress(text, { strict: false }) ? getAddress(text) : (await walletOf(settings)).address
}
