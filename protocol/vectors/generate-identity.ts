// Writes the test vectors of sessions, delegations and revocations: `node protocol/vectors/generate-identity.ts`. Fixed keys and
// deterministic signatures: the output is the same on every run, and a test holds it against the committed file.
import { writeFileSync } from 'node:fs'
import { keccak256, stringToBytes } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  delegationNonce,
  delegationResources,
  delegationText,
  encodeBase64url,
  type Revocation,
  revocationBytes,
  revocationText,
  sessionBytes,
} from '../src/index.ts'
import { keyOf } from './device-key.ts'

const ref = { chainId: 84_532, serverRegistry: '0x5fbdb2315678afecb367f032d93f642f64180aa3', neighborhood: '7' }
const alice = await keyOf('alice')
const { key } = alice.signer
const privateKey = keccak256(stringToBytes('wallet'))
const wallet = privateKeyToAccount(privateKey)
const day = 86_400_000
const issuedAt = 1_246_420_826_000

const signedBy = async (bytes: Uint8Array<ArrayBuffer>) => encodeBase64url(await alice.signer.sign(bytes))
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

async function session(server: number, challenge: string) {
  const bytes = sessionBytes(ref, { server, key, challenge })
  return { server, challenge, signed: text(bytes), sig: await signedBy(bytes) }
}

const fields = { address: wallet.address, domain: 'poker.example', uri: 'https://poker.example', issuedAt, expiresAt: issuedAt + 30 * day }
const message = delegationText(ref, key, fields)

type Unsigned = Omit<Revocation, 'sig'>
const from = { wallet: wallet.address.toLowerCase(), revokedAt: issuedAt + day }

async function byDevice(name: string) {
  const revocation: Unsigned = { ...from, device: key, by: 'device' }
  const bytes = revocationBytes(ref, revocation)
  return { name, body: { ...revocation, sig: await signedBy(bytes) }, signed: text(bytes) }
}

async function byWallet(name: string, device?: string) {
  const revocation: Unsigned = { ...from, ...(device === undefined ? {} : { device }), by: 'wallet' }
  const signed = revocationText(ref, revocation)
  return { name, body: { ...revocation, sig: await wallet.signMessage({ message: signed }) }, signed }
}

const session3 = await session(3, 'a.challenge.of-server-3')
const { signed: _, ...answer } = session3
const [ofDevice, ofWallet] = [await byDevice('by the device'), await byWallet('by the wallet, of one device', key)]
const vectors = {
  ref,
  device: { name: 'alice', seed: alice.seed, key },
  wallet: { privateKey, address: wallet.address },
  sessions: {
    valid: [session3],
    invalid: [
      { name: 'another server', ...answer, server: 4 },
      { name: 'another challenge', ...answer, challenge: 'another.challenge.of-server-3' },
      { name: 'signature of a revocation', ...answer, sig: ofDevice.body.sig },
    ],
  },
  delegation: {
    ...fields,
    nonce: delegationNonce(ref, key),
    resources: delegationResources(ref, key),
    message,
    signature: await wallet.signMessage({ message }),
  },
  revocations: {
    valid: [ofDevice, ofWallet, await byWallet('by the wallet, of all devices')],
    invalid: [
      { name: 'by the device, of another time', body: { ...ofDevice.body, revokedAt: from.revokedAt + 1 } },
      { name: 'by the device, of another wallet', body: { ...ofDevice.body, wallet: `0x${'12'.repeat(20)}` } },
      { name: 'by the wallet, of another time', body: { ...ofWallet.body, revokedAt: from.revokedAt + 1 } },
      { name: 'by the wallet, of all devices, signed for one', body: { ...ofWallet.body, device: undefined } },
      { name: 'by another wallet', body: { ...ofWallet.body, wallet: `0x${'12'.repeat(20)}` } },
    ],
  },
}

writeFileSync(`${process.argv[2] ?? import.meta.dirname}/identity.json`, `${JSON.stringify(vectors, null, 2)}\n`)
