import { genesisOf } from './entries.ts'
import type { Entry } from './port.ts'

export interface MessageRow {
  position: number
  id: string
  channel: string
  server: number
  incarnation: number
  n: number
  watermark: number
  clock: number
  sent_at: number
  expires_at: number
  canonical: string
  sig: string
}

export interface ChannelRow {
  key: number
  id: string
  messages: number
  last_activity_at: number
  server: number
  incarnation: number
  n: number
  clock: number
  created_at: number
  expires_at: number
  canonical: string
  sig: string
}

export const MESSAGES = `
  SELECT position, m.id, c.id AS channel, server, incarnation, m.n, watermark, m.clock, sent_at, m.expires_at, m.canonical, m.sig
  FROM messages m JOIN channels c ON c.key = m.channel JOIN origins o ON o.key = m.origin`

export const CHANNELS = `
  SELECT c.key, id, messages, last_activity_at, server, incarnation, n, clock, created_at, expires_at, canonical, sig
  FROM channels c JOIN origins o ON o.key = c.origin`

export function messageEntry(found: unknown): (Entry & { kind: 'message' }) | undefined {
  if (!found) return undefined
  const { id, channel, server, incarnation, n, canonical, sig, ...row } = found as MessageRow
  return {
    kind: 'message',
    channel,
    id,
    canonical,
    sig,
    sentAt: row.sent_at,
    expiresAt: row.expires_at,
    coordinate: { server, incarnation, n },
    clock: row.clock,
  }
}

export function genesisEntry(found: unknown): Entry | undefined {
  if (!found) return undefined
  const { id, server, incarnation, n, canonical, sig, ...row } = found as ChannelRow
  return {
    kind: 'genesis',
    channel: id,
    id,
    canonical,
    sig,
    sentAt: row.created_at,
    expiresAt: row.expires_at,
    coordinate: { server, incarnation, n },
    clock: row.clock,
    genesis: genesisOf(canonical, sig),
  }
}
