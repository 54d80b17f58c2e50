import { CONTROL_EXPIRES_AT, type Signer, signMessage, verifyMessage } from '@dred/protocol'
import { beforeAll, describe, expect, it } from 'vitest'
import { testSigner } from '../testing/test-node.ts'
import { EntryVerifier } from './wire-entry.ts'

const channel = 'C'.repeat(43)
const coordinate = { server: 2, incarnation: 1, n: 1 }
const now = Date.now()
const unknown = { channel: async () => undefined }
let signer: Signer
beforeAll(async () => {
  signer = await testSigner()
})

async function wire(expiresAt: number, control?: 'join') {
  const { signed } = await signMessage(signer, channel, { message: {}, sentAt: now, ...(control === undefined ? {} : { control }) })
  const { canonical, sig } = await verifyMessage(channel, signed)
  return { kind: 'message' as const, coordinate, canonical, sig, expiresAt, clock: 1 }
}

describe('a message of a channel that is not known yet', () => {
  it('expires when its sender says, within bounds', async () => {
    const verifier = new EntryVerifier({ store: unknown, neighborhood: '1', now: () => now })
    expect((await verifier.verify(await wire(now + 5_000))).entry.expiresAt).toBe(now + 5_000)
    for (const expiresAt of [now, CONTROL_EXPIRES_AT]) {
      await expect(verifier.verify(await wire(expiresAt))).rejects.toMatchObject({ code: 'rejected_entry' })
    }
  })

  it.each([CONTROL_EXPIRES_AT, now + 5_000, 1])(
    'never does when it is a control message, whatever its sender says: %i',
    async (expiresAt) => {
      const verifier = new EntryVerifier({ store: unknown, neighborhood: '1', now: () => now })
      expect((await verifier.verify(await wire(expiresAt, 'join'))).entry.expiresAt).toBe(CONTROL_EXPIRES_AT)
    },
  )
})
