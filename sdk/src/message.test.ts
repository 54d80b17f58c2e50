import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SignedMessage } from '@dred/protocol'
import { describe, expect, it } from 'vitest'
import type { Server } from './discovery.ts'
import { readMessage } from './message.ts'

const file = join(import.meta.dirname, '../../protocol/vectors/messages.json')
const { valid } = JSON.parse(readFileSync(file, 'utf8')) as { valid: { name: string; channel: string; body: SignedMessage; id: string }[] }
const server: Server = { id: 1, endpoint: 'http://127.0.0.1:1' } as Server
const origin = { server: 1, incarnation: 1, n: 1 }

describe('a delivered message', () => {
  it.each(valid)('is read, whatever it holds: $name', async ({ channel, body, id }) => {
    const delivered = { ...body, id, channel, v: 1, cursor: 'c', origin }
    const { message: data, key: sender, control } = body
    expect(await readMessage(channel, delivered, server)).toMatchObject({ id, data, sender, ...(control === undefined ? {} : { control }) })
  })

  it('that changes the membership is not one that says something', async () => {
    const { channel, body, id } = valid.find(({ body: { control } }) => control !== undefined) ?? { channel: '', body: {}, id: '' }
    const { control: _, ...said } = body as SignedMessage
    const delivered = { ...said, id, channel, v: 1, cursor: 'c', origin }
    await expect(readMessage(channel, delivered, server)).rejects.toMatchObject({ code: 'invalid_message' })
  })
})
