import type { DatabaseSync } from 'node:sqlite'
import { boundsAll, boundsChannels, CUT, NEVER, PURGE_STEP } from './entries.ts'
import type { RetentionCaps, StoreAccount } from './port.ts'
import { MESSAGE_PLACE } from './sqlite-statements.ts'
import type { Doomed, SqliteWriter } from './sqlite-writer.ts'

/** How much of a channel, or of all, is kept. */
interface Kept {
  messages: number
  bytes: number
  cut_to: number
}

interface KeptChannel extends Kept {
  key: number
  id: string
  last_activity_at: number
}

interface Step {
  deleted: number
  /** The channel looked at last. */
  after: string
  more: boolean
}

/** Deletes what is beyond the bounds of what is kept. Its steps have to run inside a transaction. */
export class SqliteCut {
  readonly #writer: SqliteWriter
  readonly #sql
  #after = ''

  constructor(db: DatabaseSync, writer: SqliteWriter) {
    this.#writer = writer
    this.#sql = {
      channels: db.prepare(`
        SELECT key, id, messages, bytes, cut_to, last_activity_at FROM channels
        WHERE id > ? AND hidden_at IS NULL AND canonical IS NOT NULL ORDER BY id LIMIT ?`),
      oldest: db.prepare(`
        SELECT ${MESSAGE_PLACE} FROM messages WHERE channel = ? AND position > ? AND expires_at < ${NEVER} ORDER BY position LIMIT ?`),
      setCut: db.prepare('UPDATE channels SET cut_to = ? WHERE key = ?'),
      totals: db.prepare('SELECT messages, bytes, cut_to FROM totals'),
      oldestOfAll: db.prepare(`
        SELECT ${MESSAGE_PLACE}, sent_at FROM messages WHERE position > ? AND expires_at < ${NEVER} ORDER BY position LIMIT ?`),
      setCutOfAll: db.prepare('UPDATE totals SET cut_to = ?'),
      countChannels: db.prepare('SELECT count(*) AS channels FROM channels WHERE hidden_at IS NULL AND canonical IS NOT NULL'),
    }
  }

  /** @param commit runs a step in a transaction */
  async run(caps: RetentionCaps, now: number, commit: <T>(step: () => T) => Promise<T>): Promise<number> {
    let total = 0
    for (let looked = 0, more = boundsChannels(caps); more && looked < CUT.channels; ) {
      const step = await commit(() => this.#channelStep(caps, now))
      if (step.after !== this.#after) looked += CUT.page
      this.#after = step.more ? step.after : ''
      total += step.deleted
      more = step.more
    }
    for (let more = boundsAll(caps); more; ) {
      const step = await commit(() => this.#totalStep(caps, now))
      total += step.deleted
      more = step.more
    }
    if (total > 0) await commit(() => this.#writer.hideUnused(now))
    return total
  }

  account(): StoreAccount {
    const { messages, bytes } = this.#totals()
    return { messages, bytes, channels: Number(this.#sql.countChannels.get()?.['channels']) }
  }

  #totals(): Kept {
    return this.#sql.totals.get() as unknown as Kept
  }

  #channelStep({ maxMessages, maxBytes, maxIdleMs }: RetentionCaps, now: number): Step {
    const channels = this.#sql.channels.all(this.#after, CUT.page) as unknown as KeptChannel[]
    let deleted = 0
    let after = this.#after
    for (const channel of channels) {
      const idle = maxIdleMs !== undefined && channel.last_activity_at < now - maxIdleMs
      const isTooMuch = () => idle || exceeds(channel, maxMessages, maxBytes)
      if (isTooMuch()) {
        const oldest = this.#sql.oldest.all(channel.key, channel.cut_to, PURGE_STEP - deleted) as unknown as Doomed[]
        const done = this.#deleteWhile(oldest, channel, isTooMuch)
        deleted += done
        if (done > 0) this.#sql.setCut.run(channel.cut_to, channel.key)
        if (deleted === PURGE_STEP) return { deleted, after, more: true }
      }
      after = channel.id
    }
    return { deleted, after, more: channels.length === CUT.page }
  }

  #totalStep({ totalMessages, totalBytes, maxLifetimeMs }: RetentionCaps, now: number): Omit<Step, 'after'> {
    const since = maxLifetimeMs === undefined ? 0 : now - maxLifetimeMs
    const totals = this.#totals()
    const isTooMuch = (message?: { sent_at: number }) =>
      exceeds(totals, totalMessages, totalBytes) || (message !== undefined && message.sent_at < since)
    if (since === 0 && !isTooMuch()) return { deleted: 0, more: false }
    const oldest = this.#sql.oldestOfAll.all(totals.cut_to, PURGE_STEP) as unknown as (Doomed & { sent_at: number })[]
    const deleted = this.#deleteWhile(oldest, totals, isTooMuch)
    if (deleted > 0) this.#sql.setCutOfAll.run(totals.cut_to)
    return { deleted, more: deleted === PURGE_STEP }
  }

  /** @returns how many; `kept` is then what is kept without them */
  #deleteWhile<T extends Doomed>(messages: readonly T[], kept: Kept, isTooMuch: (message: T) => boolean): number {
    let deleted = 0
    for (const message of messages) {
      if (!isTooMuch(message)) break
      this.#writer.delete(message)
      kept.messages--
      kept.bytes -= message.bytes
      kept.cut_to = message.position
      deleted++
    }
    return deleted
  }
}

function exceeds({ messages, bytes }: Kept, maxMessages = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY): boolean {
  return messages > maxMessages || bytes > maxBytes
}
