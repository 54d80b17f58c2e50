import type { DatabaseSync } from 'node:sqlite'

const MESSAGE_PLACE = 'position, id, channel, origin, n'

/** The statements of {@link SqliteWriter}, prepared once. */
export function prepareWrites(db: DatabaseSync) {
  return {
    horizon: db.prepare(`SELECT value FROM settings WHERE name = 'horizon'`),
    setHorizon: db.prepare(`INSERT INTO settings VALUES ('horizon', ?) ON CONFLICT DO UPDATE SET value = excluded.value`),

    origin: db.prepare('SELECT key, up_to FROM origins WHERE server = ? AND incarnation = ?'),
    insertOrigin: db.prepare('INSERT INTO origins (server, incarnation, up_to) VALUES (?, ?, ?)'),
    advanceOrigin: db.prepare('UPDATE origins SET up_to = ? WHERE key = ?'),

    knownMessage: db.prepare(`
      SELECT 'message' AS kind, server, incarnation, n, accepted_at, channel, NULL AS hidden_at
      FROM messages JOIN origins ON origins.key = origin WHERE id = ?`),
    knownGenesis: db.prepare(`
      SELECT 'genesis' AS kind, server, incarnation, n, accepted_at, channels.key AS channel, hidden_at
      FROM channels JOIN origins ON origins.key = origin WHERE id = ? AND canonical IS NOT NULL`),
    insertAlias: db.prepare('INSERT INTO aliases (origin, n, id, accepted_at) VALUES (?, ?, ?, ?)'),
    deleteAliases: db.prepare('DELETE FROM aliases WHERE id = ?'),

    channel: db.prepare('SELECT key, hidden_at, idle_ms FROM channels WHERE id = ?'),
    insertChannel: db.prepare('INSERT INTO channels (id) VALUES (?)'),
    setGenesis: db.prepare(`
      UPDATE channels SET canonical = :canonical, sig = :sig, origin = :origin, n = :n, accepted_at = :acceptedAt,
        created_at = :sentAt, expires_at = :expiresAt, idle_ms = :idleMs,
        last_activity_at = max(last_activity_at, :sentAt), hidden_at = NULL
      WHERE key = :channel`),
    insertMessage: db.prepare(`
      INSERT INTO messages (id, channel, origin, n, accepted_at, sent_at, expires_at, canonical, sig)
      VALUES (:id, :channel, :origin, :n, :acceptedAt, :sentAt, :expiresAt, :canonical, :sig)`),
    countMessage: db.prepare(`
      UPDATE channels SET messages = messages + 1, last_activity_at = max(last_activity_at, :sentAt), hidden_at = CASE
        WHEN hidden_at IS NOT NULL AND max(last_activity_at, :sentAt) + idle_ms < :horizon THEN :horizon END
      WHERE key = :channel`),
    raiseVector: db.prepare(`
      INSERT INTO channel_origins (channel, origin, up_to) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET up_to = max(up_to, excluded.up_to)`),

    hideChannels: db.prepare(`
      UPDATE channels SET hidden_at = ? WHERE key IN (
        SELECT key FROM channels
        WHERE hidden_at IS NULL AND canonical IS NOT NULL AND last_activity_at + idle_ms < ? LIMIT ?)`),
    doomedWithChannel: db.prepare(`
      SELECT ${MESSAGE_PLACE.replaceAll(/\w+/g, 'messages.$&')} FROM channels JOIN messages ON messages.channel = channels.key
      WHERE hidden_at < ? AND messages > 0 LIMIT ?`),
    doomedByDate: db.prepare(`SELECT ${MESSAGE_PLACE} FROM messages WHERE expires_at < ? LIMIT ?`),
    deleteMessage: db.prepare('DELETE FROM messages WHERE position = ?'),
    discountMessage: db.prepare('UPDATE channels SET messages = messages - 1 WHERE key = ?'),
    hideUnused: db.prepare('UPDATE channels SET hidden_at = ? WHERE hidden_at IS NULL AND canonical IS NULL AND messages = 0'),

    firstKept: db.prepare('SELECT n FROM messages WHERE channel = ? AND origin = ? ORDER BY n LIMIT 1'),
    raisePurged: db.prepare(`
      INSERT INTO channel_origins (channel, origin, purged_to) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET purged_to = max(purged_to, excluded.purged_to)`),
    countBeyond: db.prepare('SELECT count(*) AS count FROM purged_beyond WHERE channel = ? AND origin = ?'),
    lastBeyond: db.prepare('SELECT n FROM purged_beyond WHERE channel = ? AND origin = ? AND n < ? ORDER BY n DESC LIMIT 1'),
    insertBeyond: db.prepare('INSERT OR IGNORE INTO purged_beyond (channel, origin, n) VALUES (?, ?, ?)'),
    deleteBeyond: db.prepare('DELETE FROM purged_beyond WHERE channel = ? AND origin = ? AND n < ?'),

    forgettableChannels: db.prepare('SELECT key, id FROM channels WHERE hidden_at < ? AND messages = 0 LIMIT ?'),
    deletePurgedBeyond: db.prepare('DELETE FROM purged_beyond WHERE channel = ?'),
    deleteChannelOrigins: db.prepare('DELETE FROM channel_origins WHERE channel = ?'),
    deleteChannel: db.prepare('DELETE FROM channels WHERE key = ?'),
  }
}
