import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  DredError,
  encodeBase64url,
  generateDeviceKey,
  type VerifySignature,
  verifyGenesis,
  verifyMessage,
  verifySignature,
  webCryptoSigner,
} from '@dred/protocol'
import type ed25519File from '@dred/protocol/vectors/ed25519.json'
import type genesisFile from '@dred/protocol/vectors/genesis.json'
import type messagesFile from '@dred/protocol/vectors/messages.json'
import { afterEach, describe, expect, it, test } from 'vitest'
import type { Check } from './batch.ts'
import { type Checker, startChecker } from './checker.ts'
import { openSignaturePool, type SignaturePool } from './pool.ts'

const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(import.meta.resolve(`@dred/protocol/vectors/${name}.json`)), 'utf8')) as T
const messages = vectors<typeof messagesFile>('messages')
const signatures = vectors<typeof ed25519File>('ed25519')
const geneses = vectors<typeof genesisFile>('genesis')

const signer = await webCryptoSigner(await generateDeviceKey({ extractable: false }))
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const pools: SignaturePool[] = []

function open(options: Partial<Parameters<typeof openSignaturePool>[0]> = {}): SignaturePool {
  const pool = openSignaturePool({ log, threads: 2, ...options })
  pools.push(pool)
  return pool
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})

async function outcome(verification: Promise<unknown>): Promise<string> {
  try {
    await verification
    return 'holds'
  } catch (error) {
    if (error instanceof DredError) return error.code
    throw error
  }
}

function random(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(randomBytes(size))
}

async function signed(bytes: Uint8Array<ArrayBuffer> = random(40)): Promise<Parameters<VerifySignature>> {
  return [signer.key, encodeBase64url(await signer.sign(bytes)), bytes]
}

/** The key is another one's: well-formed, and wrong. */
async function forged(): Promise<Parameters<VerifySignature>> {
  const [key, , bytes] = await signed()
  const [, sig] = await signed()
  return [key, sig, bytes]
}

/** A real thread that counts how it is used, and dies when told to. */
function counted(): { start: () => Checker; batches: number[]; started: number; kill: (at: number) => void } {
  const seen = { batches: [] as number[], started: 0, deadly: -1 }
  return {
    start: () => {
      seen.started++
      const checker = startChecker()
      return {
        check: async (batch: readonly Check[]) => {
          seen.batches.push(batch.length)
          if (seen.batches.length - 1 === seen.deadly) await checker.close()
          return checker.check(batch)
        },
        close: () => checker.close(),
      }
    },
    kill: (at) => (seen.deadly = at),
    batches: seen.batches,
    get started() {
      return seen.started
    },
  }
}

describe('the threads judge as WebCrypto does', () => {
  it.each(messages.valid)('accepts $name', async ({ channel, body, id }) => {
    expect(await verifyMessage(channel, JSON.parse(JSON.stringify(body)), { verify: open().verify })).toMatchObject({ id })
  })

  it('refuses every invalid message and genesis with its code', async () => {
    const { verify } = open()
    for (const { channel, body, error } of messages.invalid.flatMap((vector) => ('body' in vector ? [vector] : []))) {
      expect(await outcome(verifyMessage(channel, body, { verify }))).toBe(error)
    }
    for (const { id, body, error } of geneses.invalid) expect(await outcome(verifyGenesis(body, id, verify))).toBe(error)
    for (const { id, body } of geneses.valid) expect(await outcome(verifyGenesis(body, id, verify))).toBe('holds')
  })

  test('random changes of what was signed', async () => {
    const { verify } = open()
    const cases = await Promise.all(
      Array.from({ length: 300 }, async (_, i): Promise<Parameters<VerifySignature>> => {
        const [key, sig, bytes] = await signed(random(i))
        const [rawKey, rawSig] = [Buffer.from(key, 'base64url'), Buffer.from(sig, 'base64url')]
        const target = [rawKey, rawSig, bytes, undefined][i % 4]
        const at = Math.floor(i / 4) % (target?.length || 1)
        if (target && at < target.length) target[at] = (target[at] ?? 0) ^ (1 << (i % 8))
        return [encodeBase64url(rawKey), encodeBase64url(rawSig), bytes]
      }),
    )
    const found = await Promise.all(cases.map((args) => outcome(verify(...args))))
    expect(found).toEqual(await Promise.all(cases.map((args) => outcome(verifySignature(...args)))))
    expect(new Set(found)).toEqual(new Set(['holds', 'invalid_signature']))
  })

  test('random bytes as keys, points of the curve or not, and as signatures', async () => {
    const { verify } = open()
    const cases = Array.from({ length: 200 }, (_, i): Parameters<VerifySignature> => {
      const sig = randomBytes(64)
      // Mostly below the order, so that it is the equation that refuses.
      sig[63] = (sig[63] ?? 0) & 0x0f
      return [randomBytes(32).toString('base64url'), sig.toString('base64url'), random(i)]
    })
    const found = await Promise.all(cases.map((args) => outcome(verify(...args))))
    expect(found).toEqual(await Promise.all(cases.map((args) => outcome(verifySignature(...args)))))
  })

  test('signatures about which implementations differ', async () => {
    const { verify } = open()
    const judged = (of: { key: string; sig: string; bytes: string }[]) =>
      Promise.all(of.map(({ key, sig, bytes }) => outcome(verify(key, sig, Uint8Array.from(Buffer.from(bytes, 'hex'))))))
    expect(await judged(signatures.valid)).toEqual(signatures.valid.map(() => 'holds'))
    expect(await judged(signatures.invalid)).toEqual(signatures.invalid.map(() => 'invalid_signature'))
  })
})

describe('the pool', () => {
  it('gives one signature alone to a thread at once, and what comes together in batches', async () => {
    const threads = counted()
    const { verify } = open({ threads: 1, start: threads.start })
    await verify(...(await signed()))
    expect(threads.batches).toEqual([1])
    const many = await Promise.all(Array.from({ length: 50 }, () => signed()))
    await Promise.all(many.map((args) => verify(...args)))
    expect(threads.batches).toEqual([1, 32, 18])
  })

  it('shares what waits among the threads that are idle', async () => {
    const threads = counted()
    const { verify } = open({ threads: 3, start: threads.start })
    const many = await Promise.all(Array.from({ length: 9 }, () => signed()))
    await Promise.all(many.map((args) => verify(...args)))
    expect(threads.batches).toEqual([3, 3, 3])
  })

  it('answers each by itself', async () => {
    const { verify } = open()
    const many = await Promise.all(Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? forged() : signed())))
    const found = await Promise.all(many.map((args) => outcome(verify(...args))))
    expect(found).toEqual(many.map((_, i) => (i % 3 === 0 ? 'invalid_signature' : 'holds')))
  })

  it('refuses what a client sends beyond what may wait, nothing of a peer, and recovers', async () => {
    const { verify, verifyForPeers } = open({ threads: 1, maxWaiting: 10 })
    const many = await Promise.all(Array.from({ length: 20 }, () => signed()))
    const clients = many.map((args) => outcome(verify(...args)))
    const peers = many.map((args) => outcome(verifyForPeers(...args)))
    expect(await Promise.all(peers)).toEqual(many.map(() => 'holds'))
    expect(await Promise.all(clients)).toEqual(many.map((_, i) => (i < 10 ? 'holds' : 'rate_limited')))
    await verify(...(await signed()))
  })

  it('checks elsewhere what a thread had that died, and starts another', async () => {
    const threads = counted()
    threads.kill(1)
    const { verify } = open({ threads: 1, start: threads.start })
    await verify(...(await signed()))
    const many = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? forged() : signed())))
    const found = await Promise.all(many.map((args) => outcome(verify(...args))))
    expect(found).toEqual(many.map((_, i) => (i % 2 === 0 ? 'invalid_signature' : 'holds')))
    expect(threads.started).toBe(2)
    expect(threads.batches).toEqual([1, 32, 8])
  })

  it('goes on without threads where they cannot start', async () => {
    let started = 0
    const start = (): Checker => {
      started++
      return { check: () => Promise.reject(new Error('no library')), close: async () => undefined }
    }
    const { verify } = open({ threads: 2, start })
    for (let i = 0; i < 20; i++) {
      await verify(...(await signed()))
      expect(await outcome(verify(...(await forged())))).toBe('invalid_signature')
    }
    expect(started).toBe(5)
  })

  it('answers what waits when it is closed', async () => {
    const pool = open({ threads: 1 })
    const many = await Promise.all(Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? forged() : signed())))
    const found = Promise.all(many.map((args) => outcome(pool.verify(...args))))
    await pool.close()
    expect(await found).toEqual(many.map((_, i) => (i % 2 === 0 ? 'invalid_signature' : 'holds')))
    expect(await outcome(pool.verify(...(await signed())))).toBe('holds')
  })
})
