import type { DatabaseSync } from 'node:sqlite'
import { NEVER } from './entries.ts'

/** What is to be known of a message to delete it. */
export const MESSAGE_PLACE = 'position, id, channel, origin, n, octet_length(canonical) AS bytes'

/** Up to where of an origin in a channel (`:channel`, `:origin`) nothing is kept but control messages and nothing can come any more. */
export const PURGEABLE = `
  SELECT min(
    coalesce((SELECT min(n) FROM messages
      WHERE channel = :channel AND origin = :origin AND n <= watermark AND expires_at < ${NEVER}) - 1, up_to),
    coalesce((SELECT min(n) FROM messages
      WHERE channel = :channel AND origin = :origin AND n > watermark AND expires_at < ${NEVER}) - 1, up_to)) AS n
  FROM origins WHERE key = :origin`

/** The statements of {@link SqliteWriter}, prepared once. */
export function prepareWrites(db: DatabaseSync) {
  return {
    horizon: db.prepare(`SELECT value FROM settings WHERE name = 'horizon'`),
    setHorizon: db.prepare(`INSERT INTO settings VALUES ('horizon', ?) ON CONFLICT DO UPDATE SET value = excluded.value`),

    origin: db.prepare(`
      SELECT key, up_to, (SELECT min(n) FROM origins_beyond WHERE origin = key) AS beyond FROM origins
      WHERE server = ? AND incarnation = ?`),
    insertOrigin: db.prepare('INSERT INTO origins (server, incarnation, up_to) VALUES (?, ?, 0)'),
    advanceOrigin: db.prepare('UPDATE origins SET up_to = ? WHERE key = ?'),
    beyond: db.prepare('SELECT n FROM origins_beyond WHERE origin = ? ORDER BY n'),
    countBeyond: db.prepare('SELECT count(*) AS count FROM origins_beyond WHERE origin = ? AND n BETWEEN ? AND ?'),
    insertBeyond: db.prepare('INSERT OR IGNORE INTO origins_beyond VALUES (?, ?)'),
    deleteBeyond: db.prepare('DELETE FROM origins_beyond WHERE origin = ? AND n <= ?'),

    knownMessage: db.prepare(`
      SELECT 'message' AS kind, server, incarnation, n, clock, channel, NULL AS hidden_at
      FROM messages JOIN origins ON origins.key = origin WHERE id = ?`),
    knownGenesis: db.prepare(`
      SELECT 'genesis' AS kind, server, incarnation, n, clock, channels.key AS channel, hidden_at
      FROM channels JOIN origins ON origins.key = origin WHERE id = ? AND canonical IS NOT NULL`),
    insertAlias: db.prepare('INSERT INTO aliases (origin, n, id, clock) VALUES (?, ?, ?, ?)'),
    deleteAliases: db.prepare('DELETE FROM aliases WHERE id = ?'),

    channel: db.prepare('SELECT key, hidden_at, idle_ms FROM channels WHERE id = ?'),
    insertChannel: db.prepare('INSERT INTO channels (id) VALUES (?)'),
    setGenesis: db.prepare(`
      UPDATE channels SET canonical = :canonical, sig = :sig, origin = :origin, n = :n, clock = :clock,
        created_at = :sentAt, expires_at = :expiresAt, idle_ms = :idleMs,
        last_activity_at = max(last_activity_at, :sentAt), hidden_at = NULL
      WHERE key = :channel`),
    insertMessage: db.prepare(`
      INSERT INTO messages (id, channel, origin, n, watermark, clock, sent_at, expires_at, canonical, sig)
      VALUES (:id, :channel, :origin, :n, :watermark, :clock, :sentAt, :expiresAt, :canonical, :sig)`),
    countMessage: db.prepare(`
      UPDATE channels SET messages = messages + 1, bytes = bytes + :bytes, last_activity_at = max(last_activity_at, :sentAt), hidden_at = CASE
        WHEN hidden_at IS NOT NULL AND max(last_activity_at, :sentAt) + idle_ms < :horizon THEN :horizon END
      WHERE key = :channel`),
    raiseVector: db.prepare(`
      INSERT INTO channel_origins (channel, origin, up_to) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET up_to = max(up_to, excluded.up_to)`),
    insertVectorBeyond: db.prepare('INSERT OR IGNORE INTO channel_origins_beyond VALUES (?, ?, ?)'),
    deleteVectorBeyond: db.prepare('DELETE FROM channel_origins_beyond WHERE channel = ? AND origin = ? AND n <= ?'),

    hideChannels: db.prepare(`
      UPDATE channels SET hidden_at = ? WHERE key IN (
        SELECT key FROM channels
        WHERE hidden_at IS NULL AND canonical IS NOT NULL AND last_activity_at + idle_ms < ? LIMIT ?)`),
    doomedWithChannel: db.prepare(`
      SELECT position, m.id, channel, m.origin, m.n, octet_length(m.canonical) AS bytes
      FROM channels JOIN messages m ON m.channel = channels.key WHERE hidden_at < ? AND messages > 0 LIMIT ?`),
    doomedByDate: db.prepare(`SELECT ${MESSAGE_PLACE} FROM messages WHERE expires_at < ? LIMIT ?`),
    deleteMessage: db.prepare('DELETE FROM messages WHERE position = ?'),
    discountMessage: db.prepare('UPDATE channels SET messages = messages - 1, bytes = bytes - ? WHERE key = ?'),
    addToTotals: db.prepare('UPDATE totals SET messages = messages + ?, bytes = bytes + ?'),
    hideUnused: db.prepare('UPDATE channels SET hidden_at = ? WHERE hidden_at IS NULL AND canonical IS NULL AND messages = 0'),

    purgeable: db.prepare(PURGEABLE),
    raisePurged: db.prepare(`
      INSERT INTO channel_origins (channel, origin, purged_to) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET purged_to = max(purged_to, excluded.purged_to)`),
    countPurgedBeyond: db.prepare('SELECT count(*) AS count FROM purged_beyond WHERE channel = ? AND origin = ?'),
    lastPurgedBeyond: db.prepare('SELECT n FROM purged_beyond WHERE channel = ? AND origin = ? AND n <= ? ORDER BY n DESC LIMIT 1'),
    insertPurgedBeyond: db.prepare('INSERT OR IGNORE INTO purged_beyond (channel, origin, n) VALUES (?, ?, ?)'),
    deletePurgedBeyond: db.prepare('DELETE FROM purged_beyond WHERE channel = ? AND origin = ? AND n <= ?'),

    forgettableChannels: db.prepare('SELECT key, id FROM channels WHERE hidden_at < ? AND messages = 0 LIMIT ?'),
    forgetPurgedBeyond: db.prepare('DELETE FROM purged_beyond WHERE channel = ?'),
    forgetVectorBeyond: db.prepare('DELETE FROM channel_origins_beyond WHERE channel = ?'),
    deleteChannelOrigins: db.prepare('DELETE FROM channel_origins WHERE channel = ?'),
    deleteChannel: db.prepare('DELETE FROM channels WHERE key = ?'),
  }
}
