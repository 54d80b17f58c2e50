import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { unavailable } from './entries.ts'
import { keepToOwner, makeForOwner } from './sqlite-files.ts'

/**
 * Each brings a file from the version that is its index to the next; `PRAGMA user_version` says how many were applied. Never
 * change one that was released.
 */
export const MIGRATIONS = [
  `
  CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE origins (
    key INTEGER PRIMARY KEY,
    server INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    up_to INTEGER NOT NULL,
    UNIQUE (server, incarnation)
  ) STRICT;

  -- canonical is NULL while only messages of the channel are known; hidden_at is the time of the purge that found it expired, or
  -- of the last one before a message came that could not bring it back.
  CREATE TABLE channels (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    messages INTEGER NOT NULL DEFAULT 0,
    last_activity_at INTEGER NOT NULL DEFAULT 0,
    hidden_at INTEGER,
    canonical TEXT,
    sig TEXT,
    origin INTEGER REFERENCES origins,
    n INTEGER,
    accepted_at INTEGER,
    created_at INTEGER,
    expires_at INTEGER,
    idle_ms INTEGER
  ) STRICT;
  CREATE INDEX channels_by_origin ON channels (origin, n) WHERE canonical IS NOT NULL;
  CREATE INDEX channels_by_expiry ON channels (last_activity_at + idle_ms) WHERE hidden_at IS NULL AND canonical IS NOT NULL;
  CREATE INDEX channels_unused ON channels (key) WHERE hidden_at IS NULL AND canonical IS NULL AND messages = 0;
  CREATE INDEX channels_hidden ON channels (hidden_at) WHERE hidden_at IS NOT NULL;
  CREATE INDEX channels_doomed ON channels (hidden_at) WHERE hidden_at IS NOT NULL AND messages > 0;

  CREATE TABLE messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel INTEGER NOT NULL REFERENCES channels,
    origin INTEGER NOT NULL REFERENCES origins,
    n INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    canonical TEXT NOT NULL,
    sig TEXT NOT NULL
  ) STRICT;
  CREATE INDEX messages_by_channel ON messages (channel);
  CREATE INDEX messages_by_channel_origin ON messages (channel, origin, n);
  CREATE INDEX messages_by_origin ON messages (origin, n);
  CREATE INDEX messages_by_expiry ON messages (expires_at);

  -- Further coordinates of an entry; accepted_at is NULL for a reference.
  CREATE TABLE aliases (
    origin INTEGER NOT NULL REFERENCES origins,
    n INTEGER NOT NULL,
    id TEXT NOT NULL,
    accepted_at INTEGER,
    PRIMARY KEY (origin, n)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX aliases_by_id ON aliases (id);

  -- What was logged of an origin in a channel, and up to where nothing of it is kept any more.
  CREATE TABLE channel_origins (
    channel INTEGER NOT NULL REFERENCES channels,
    origin INTEGER NOT NULL REFERENCES origins,
    up_to INTEGER NOT NULL DEFAULT 0,
    purged_to INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, origin)
  ) STRICT, WITHOUT ROWID;

  -- Purged counts with something kept below them.
  CREATE TABLE purged_beyond (
    channel INTEGER NOT NULL REFERENCES channels,
    origin INTEGER NOT NULL REFERENCES origins,
    n INTEGER NOT NULL,
    PRIMARY KEY (channel, origin, n)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Times became hybrid clocks, in microseconds.
  ALTER TABLE channels RENAME COLUMN accepted_at TO clock;
  ALTER TABLE messages RENAME COLUMN accepted_at TO clock;
  ALTER TABLE aliases RENAME COLUMN accepted_at TO clock;
  UPDATE channels SET clock = clock * 1000;
  UPDATE messages SET clock = clock * 1000;
  UPDATE aliases SET clock = clock * 1000;

  -- Known counts above up_to of an origin, and of those the ones of a channel.
  CREATE TABLE origins_beyond (
    origin INTEGER NOT NULL REFERENCES origins,
    n INTEGER NOT NULL,
    PRIMARY KEY (origin, n)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE channel_origins_beyond (
    channel INTEGER NOT NULL REFERENCES channels,
    origin INTEGER NOT NULL REFERENCES origins,
    n INTEGER NOT NULL,
    PRIMARY KEY (channel, origin, n)
  ) STRICT, WITHOUT ROWID;

  -- Where the origin stood right after a message was logged. Of an origin's messages that were on time positions ascend with counts.
  -- The others came before lower counts.
  ALTER TABLE messages ADD COLUMN watermark INTEGER NOT NULL DEFAULT 0;
  UPDATE messages SET watermark = n;
  DROP INDEX messages_by_channel_origin;
  CREATE INDEX messages_on_time ON messages (channel, origin, n) WHERE n <= watermark;
  CREATE INDEX messages_early ON messages (channel, origin, n) WHERE n > watermark;
  CREATE INDEX messages_early_by_position ON messages (channel, origin, position, n, watermark) WHERE n > watermark;
  `,
  `
  CREATE TABLE notices (
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (kind, about)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX notices_by_expiry ON notices (expires_at);
  `,
  `
  -- Control messages: they stay for as long as their channel.
  CREATE INDEX messages_control ON messages (channel, position) WHERE expires_at = 9007199254740991;
  `,
  `
  -- How much is kept: of each channel, and in the one row of totals of all. Up to cut_to of a channel only control messages are kept.
  ALTER TABLE channels ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE channels ADD COLUMN cut_to INTEGER NOT NULL DEFAULT 0;
  UPDATE channels SET bytes = (SELECT coalesce(sum(octet_length(canonical)), 0) FROM messages WHERE channel = key);
  CREATE TABLE totals (messages INTEGER NOT NULL, bytes INTEGER NOT NULL, cut_to INTEGER NOT NULL) STRICT;
  INSERT INTO totals SELECT coalesce(sum(messages), 0), coalesce(sum(bytes), 0), 0 FROM channels;
  `,
]

const IN_MEMORY = ':memory:'

/**
 * Opens a database file for this process alone and brings it to the current schema. Its directory is made if missing; its files are for
 * their owner only.
 * @throws DredError `store_unavailable`: another process has the file, it is no such database, or it is of a newer version
 */
export function openDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    mkdirSync(dirname(path), { recursive: true })
    if (path !== IN_MEMORY) makeForOwner(path)
    keepToOwner(path)
    db = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: false })
    // The lock of the exclusive mode ends with the process, however it ends, and needs no shared memory file.
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    // Of a new file only, before anything is in it: pages without content can be given back to the disk.
    db.exec('PRAGMA auto_vacuum = INCREMENTAL')
    db.exec('PRAGMA journal_mode = WAL')
    db.exec('PRAGMA synchronous = FULL')
    db.exec('PRAGMA journal_size_limit = 67108864')
    migrate(db, path)
    return db
  } catch (error) {
    db?.close()
    throw describe(error, path)
  }
}

function migrate(db: DatabaseSync, path: string): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > MIGRATIONS.length) {
    throw unavailable(`${path} is of version ${version}, written by a newer Dred; this one knows ${MIGRATIONS.length}`)
  }
  // What is up to date is opened also where there is no room to write.
  if (version === MIGRATIONS.length) return
  db.exec('BEGIN IMMEDIATE')
  for (const migration of MIGRATIONS.slice(version)) db.exec(migration)
  db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
  db.exec('COMMIT')
}

const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26

function describe(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
  if (code === SQLITE_BUSY) return unavailable(`${path} is in use by another process`, error)
  if (code === SQLITE_NOTADB) return unavailable(`${path} is not an SQLite database`, error)
  return error instanceof Error && error.name === 'DredError' ? error : unavailable(`${path} cannot be opened: ${String(error)}`, error)
}
