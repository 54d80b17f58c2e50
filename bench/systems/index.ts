import { dred, dredSqlite, dredTwice } from './dred.ts'
import { mosquitto } from './mosquitto.ts'
import { jetstream, nats } from './nats.ts'
import { gossipsub, streamr } from './p2p.ts'
import type { System } from './port.ts'
import { redisStreams } from './redis-streams.ts'
import { sketch } from './sketch.ts'
import { socketIo, socketIoStreams } from './socket-io.ts'
import { ws } from './ws.ts'

export const systems: readonly System[] = [
  dred,
  dredTwice,
  dredSqlite,
  sketch,
  nats,
  jetstream,
  mosquitto,
  redisStreams,
  socketIo,
  socketIoStreams,
  ws,
  streamr,
  gossipsub,
]
