import {
  controlNames,
  decodeCursor,
  describeMismatch,
  DredError,
  encodeCursor,
  type ErrorCode,
  Receipt,
  type Route,
  routes,
  SignedMessage,
  verifyCanonicalMessage,
  verifyControl,
  verifyGenesis,
  verifyMessage,
  verifyPresence,
  verifyPresenceText,
  verifyReceipt,
  type VerifySignature,
} from '@dred/protocol'
import { FrameReader, LinkError, relayLimits } from '@dred/protocol/relay'
import type { Random } from '@dred/protocol/testing/random'
import { readDelegation } from '../../node/src/identity/siwe.ts'
import { frameVariant } from '../../protocol/src/testing/frame-variants.ts'
import { fromHex, readVectors } from '../../protocol/vectors/json.ts'
import { hostileJson, hostileValue, mutateText, mutateValue } from './mutate.ts'
import { count, Finding, type Target } from './target.ts'

const SLOW_MS = 1_000

interface Signed {
  channel: string
  body: Record<string, unknown>
}
const messages = readVectors<{ valid: (Signed & { canonical: string; sig: string })[]; invalid: Signed[] }>('messages.json')
const geneses = readVectors<{ valid: { id: string; body: unknown }[] }>('genesis.json').valid
const presences = readVectors<{ valid: (Signed & { text: string })[] }>('presence.json').valid
const cursors = readVectors<{ channel: string; valid: { cursor: string }[] }>('cursors.json')
const receipts = readVectors<{ key: { keyX: string; keyY: string }; valid: { statement: Receipt }[] }>('receipts.json')
const identity = readVectors<Identity>('identity.json')
const frames = readVectors<{ lists: Record<number, number[]>; valid: { hex: string }[] }>('frames.json')
const bodies = frames.valid.map((vector) => fromHex(vector.hex).subarray(4))

interface Identity {
  ref: { chainId: number; serverRegistry: string; neighborhood: string }
  device: { key: string }
  delegation: { message: string; issuedAt: number }
}

/** Of ten signatures nine are believed, so that what comes after their verification is reached. */
const believing: VerifySignature = async () => undefined

/** What parses: what is thrown besides these is a fault. */
interface Parser {
  codes: readonly ErrorCode[]
  parse: (random: Random) => unknown
}

const signature = ['weak_key', 'invalid_signature'] as const
const message = ['malformed_message', 'malformed_statement', 'body_too_large', ...signature] as const
const presence = ['malformed_statement', 'body_too_large', ...signature] as const

function mutated(value: unknown, random: Random): unknown {
  let result = value
  do result = mutateValue(result, random)
  while (random.chance(0.4))
  try {
    return JSON.parse(hostileJson(result, random))
  } catch {
    // The server tells such a text by itself.
    return result
  }
}

function some<T>(items: readonly T[], random: Random): T {
  const item = random.pick(items)
  if (item === undefined) throw new RangeError('Nothing to choose from')
  return item
}

const verifier = (random: Random): { verify?: VerifySignature } => (random.chance(0.1) ? {} : { verify: believing })

async function takeMessage(random: Random): Promise<void> {
  const { channel, body } = some([...messages.valid, ...messages.invalid], random)
  const taken = await verifyMessage(channel, mutated(body, random), verifier(random))
  const again = await verifyCanonicalMessage(taken.canonical, taken.sig, believing)
  if (again.id !== taken.id) throw new Finding(`Two ids for ${taken.canonical}`)
}

function takeCursor(random: Random): void {
  const cursor = mutateText(some(cursors.valid, random).cursor, random)
  const again = encodeCursor(cursors.channel, decodeCursor(cursors.channel, cursor))
  if (again !== cursor) throw new Finding(`${cursor} is read as ${again}`)
}

async function takeReceipt(random: Random): Promise<void> {
  const { statement } = some(receipts.valid, random)
  const changed = mutated(statement, random)
  if (describeMismatch(Receipt, changed) !== undefined || !(await verifyReceipt(changed as Receipt, receipts.key))) return
  const { path: _, ...fields } = changed as Receipt
  const genuine = receipts.valid.some(({ statement: { path: __, ...of } }) =>
    Object.entries(of).every(([name, value]) => fields[name as never] === value),
  )
  if (!genuine) throw new Finding(`A changed receipt verifies: ${JSON.stringify(changed)}`)
}

function takeFrames(random: Random): void {
  const body = frameVariant(bodies, random)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(random.chance(0.02) ? random.below(2 ** 32) : body.length)
  const bytes = Buffer.concat([length, body])
  const reader = new FrameReader(relayLimits.frameBytes, (epoch) => frames.lists[epoch])
  const cut = random.below(bytes.length)
  for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut)]) for (const _frame of reader.read(chunk));
}

function takeSchema(random: Random): void {
  const route: Route = some(Object.values<Route>(routes), random)
  for (const schema of [route.body, route.querystring, route.params]) if (schema) describeMismatch(schema, hostileValue(random))
  describeMismatch(SignedMessage, mutated(some(messages.valid, random).body, random))
}

const parsers: Record<string, Parser> = {
  message: { codes: message, parse: takeMessage },
  'signed bytes': {
    codes: message,
    parse: (random) => {
      const { canonical, sig } = some(messages.valid, random)
      return verifyCanonicalMessage(mutateText(canonical, random), sig, believing)
    },
  },
  control: {
    codes: [...signature, 'malformed_statement', 'malformed_message'],
    parse: (random) => {
      const control = some(controlNames, random)
      const { key } = identity.device
      const body = mutated(
        some([{ key, expiresAt: 1 }, { link: key, uses: 1, expiresAt: 1 }, { invite: key, link: key, proof: 'A'.repeat(86) }, {}], random),
        random,
      )
      return verifyControl(cursors.channel, { control, key, message: body })
    },
  },
  genesis: {
    codes: ['malformed_genesis', 'genesis_mismatch', 'body_too_large', ...signature],
    parse: (random) => {
      const { id, body } = some(geneses, random)
      return verifyGenesis(mutated(body, random), random.chance(0.5) ? id : undefined, random.chance(0.1) ? undefined : believing)
    },
  },
  presence: {
    codes: presence,
    parse: (random) => {
      const { channel, body, text } = some(presences, random)
      return random.chance(0.5)
        ? verifyPresence(channel, mutated(body, random), believing)
        : verifyPresenceText(mutateText(text, random), believing)
    },
  },
  cursor: { codes: ['malformed_cursor', 'cursor_of_another_channel'], parse: takeCursor },
  receipt: { codes: [], parse: takeReceipt },
  delegation: {
    codes: ['delegation_refused'],
    parse: (random) => {
      const { ref, device, delegation } = identity
      const rules = { ref, key: device.key, now: delegation.issuedAt + 1_000, domains: [] }
      return readDelegation(mutateText(delegation.message, random), rules)
    },
  },
  schema: { codes: [], parse: takeSchema },
  frame: { codes: [], parse: takeFrames },
}
/** What reads messages, statements, cursors and frames, in this process. */
export class Codecs implements Target {
  readonly outcomes = new Map<string, number>()
  cases = 0

  async run(random: Random): Promise<void> {
    const [name, { codes, parse }] = some(Object.entries(parsers), random)
    this.cases++
    const start = performance.now()
    let outcome = 'taken'
    try {
      await parse(random)
    } catch (error) {
      if (error instanceof DredError && codes.includes(error.code)) outcome = error.code
      else if (error instanceof LinkError) outcome = error.code
      else throw error instanceof Finding ? error : new Finding(`${name}: ${String(error instanceof Error ? error.stack : error)}`)
    }
    const tookMs = performance.now() - start
    if (tookMs > SLOW_MS) throw new Finding(`${name} took ${Math.round(tookMs)} ms`)
    count(this.outcomes, `${name}: ${outcome}`)
  }
}
