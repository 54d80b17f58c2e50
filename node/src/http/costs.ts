import { controlNames, paths } from '@dred/protocol'
import type { Scope } from '../limits/config.ts'
import { declaredMethod } from './methods.ts'

/** What a request asks of the server before it is known who asks. */
export interface RouteCost {
  /** Tokens of its address: the work, in simple requests. */
  work: number
  /** A bucket of its own, of the address, for what costs more than work now: room for long, or calls to the chain. */
  scope?: Extract<Scope, 'creations' | 'sessions'>
  /** Tokens of that bucket; default 1. */
  tokens?: number
}

const SIMPLE: RouteCost = { work: 1 }
const PAGE: RouteCost = { work: 2 }
const STREAM: RouteCost = { work: 5 }
const PROOF: RouteCost = { work: 5, scope: 'sessions' }
/** Some milliseconds: a thousand channels are looked at, or all that was decided about who belongs to one. */
const THOROUGH: RouteCost = { work: 10 }
/** Every server keeps it for as long as the delegation could hold, and keys cost nothing. */
const REVOCATION: RouteCost = { ...PROOF, tokens: 20 }

/** Routes that cost more than a simple request, by method and path. */
const costs = new Map<string, RouteCost>([
  [`GET ${paths.listChannels}`, THOROUGH],
  [`GET ${paths.channelMessages}`, PAGE],
  [`GET ${paths.streamChannel}`, STREAM],
  [`POST ${paths.streamChannels}`, STREAM],
  [`PUT ${paths.createChannel}`, { work: 2, scope: 'creations' }],
  [`POST ${paths.openSession}`, PROOF],
  [`POST ${paths.revokeDelegation}`, REVOCATION],
  [`POST ${paths.issueCapability}`, PROOF],
  ...controlNames.map((name): [string, RouteCost] => [`POST ${paths[name]}`, THOROUGH]),
])

/** @param path template of the route; undefined where there is none */
export function routeCost(method: string, path: string | undefined): RouteCost {
  return (path !== undefined && costs.get(`${declaredMethod(method)} ${path}`)) || SIMPLE
}

/** Further simple requests that a body stands for: every message of a batch is verified, every channel of a stream looked up. */
export function bodyWork(body: unknown): number {
  if (typeof body !== 'object' || body === null) return 0
  const { messages, channels } = body as { messages?: unknown; channels?: unknown }
  if (Array.isArray(messages)) return messages.length
  return typeof channels === 'object' && channels !== null ? Object.keys(channels).length : 0
}
