import { connect } from 'node:http2'
import { signMessage, signPresence } from '@dred/protocol'
import { afterAll, describe, expect, it } from 'vitest'
import { Nodes } from '../testing/nodes.ts'
import { createChannel, testSigner } from '../testing/test-node.ts'

const SECRET = 'what only members may read'
const gate = { standard: 'erc20' as const, contract: `0x${'ab'.repeat(20)}`, min: '1', chainId: 31_337 }

const nodes = await Nodes.start(1, { keepaliveMs: 100 })
const [creator, stranger] = await Promise.all([testSigner(), testSigner()])
const open = await createChannel(nodes.url(1), creator)
afterAll(() => nodes.close())

interface Ask {
  path: string
  method?: string
  body?: unknown
  headers?: Record<string, string>
}

/** Every way to read of a channel or to write to it, spelled as one who looks for a way round would. */
async function ways(id: string): Promise<Ask[]> {
  const channel = `/channel/${id}`
  const escaped = `/channel/%${id.charCodeAt(0).toString(16)}${id.slice(1)}`
  const beginning = `1.${id.slice(0, 12)}.`
  const { signed } = await signMessage(stranger, id, { message: 'let me in', sentAt: Date.now() })
  const lease = await signPresence(stranger, id, { sentAt: Date.now(), ttlMs: 10_000, data: 'let me in' })
  const followed = { [id]: beginning, [open]: null }
  return [
    ...[channel, escaped].flatMap((at) => [
      { path: `${at}/messages` },
      { path: `${at}/messages/` },
      { path: `${at}/messages?limit=1&before=${beginning}` },
      { path: `${at}/messages?after=${beginning}` },
      { path: `${at}/messages?after=${beginning}&waitMs=10` },
      { path: `${at}/messages?key=${creator.key}&device=${creator.key}` },
      { path: `${at}/stream?from=start` },
      { path: `${at}/stream?last=10&receipts=stored&presence=true`, headers: { accept: 'text/event-stream' } },
      { path: `${at}/stream`, headers: { 'last-event-id': beginning } },
      { path: `${at}/members` },
      { path: `${at}/presence` },
    ]),
    { path: `${channel}/messages?after=${beginning}&after=${beginning}` },
    { path: `${channel}/messages?after=1.${open.slice(0, 12)}.` },
    { path: `${channel}/messages`, method: 'HEAD' },
    { path: `${channel}/stream?from=start`, method: 'HEAD' },
    { path: `${channel}/messages`, method: 'OPTIONS' },
    { path: `${channel}/../${id}/messages` },
    { path: `//channel/${id}/messages` },
    { path: '/channels/stream', method: 'POST', body: { channels: followed, receipts: 'stored', presence: true } },
    { path: `${channel}`, method: 'POST', body: signed },
    { path: `${channel}?stored=1`, method: 'POST', body: { ...signed, key: creator.key } },
    { path: `${channel}/messages`, method: 'POST', body: { messages: [signed] } },
    { path: `${channel}/presence`, method: 'PUT', body: lease },
    { path: `/channels?q=private` },
  ]
}

/** What is answered within a moment, over HTTP/2, where paths go out as they are. */
async function answerTo(
  { path, method = 'GET', body, headers }: Ask,
  token: string | undefined,
): Promise<{ status: number; text: string }> {
  const session = connect(nodes.url(1))
  try {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const content = body === undefined ? {} : { 'content-type': 'application/json' }
    const sent = session.request({ ':path': path, ':method': method, ...authorization, ...content, ...headers })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    return await new Promise((resolve, reject) => {
      let [status, text] = [0, '']
      const end = (): void => resolve({ status, text })
      sent.on('response', (head) => {
        status = Number(head[':status'])
        // A stream that is let in goes on.
        setTimeout(end, 1_000)
      })
      sent.setEncoding('utf8').on('data', (chunk) => {
        text += String(chunk)
        if (text.includes('keepalive')) end()
      })
      sent.on('end', end).on('error', reject)
    })
  } finally {
    session.destroy()
  }
}

describe.each(['members', 'token'] as const)('a channel with access %s', (access) => {
  it.each(['nobody', 'a stranger'])('tells and takes nothing, whichever way %s asks', { timeout: 30_000 }, async (who) => {
    const channel = await createChannel(nodes.url(1), creator, { access, name: 'private', ...(access === 'token' ? { gate } : {}) })
    const { signed } = await signMessage(creator, channel, { message: SECRET, sentAt: Date.now() })
    const store = nodes.store(1)
    if (access === 'members') await nodes.call(1, `/channel/${channel}`, { method: 'POST', body: signed })
    const before = (await store.channel(channel))?.messages
    expect(before).toBe(access === 'members' ? 1 : 0)
    const token = who === 'nobody' ? undefined : await nodes.token(1, stranger)
    for (const ask of await ways(channel)) {
      const { status, text } = await answerTo(ask, token)
      const told = `${ask.method ?? 'GET'} ${ask.path} ${status} ${text}`
      expect(told).not.toContain(SECRET)
      expect(told).not.toContain(`"open","channel":"${channel}"`)
      // Of a batch, and of a stream of many, each has an answer of its own.
      const refused = status < 300 ? /^OPTIONS |"problem":|"type":"error"|\/channels\?/.test(told) : status < 500
      expect(refused || told).toBe(true)
    }
    expect((await store.channel(channel))?.messages).toBe(before)
  })
})
