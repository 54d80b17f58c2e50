// Rooms over socket.io. Argument: the address of a Redis for the streams adapter; without one everything stays in memory.
// Its first line on stdout is its port.
import { createServer } from 'node:http'
import { createAdapter } from '@socket.io/redis-streams-adapter'
import { createClient } from 'redis'
import { Server } from 'socket.io'

const [redisUrl] = process.argv.slice(2)
const http = createServer()
const redis = redisUrl === undefined ? undefined : createClient({ url: redisUrl })
await redis?.connect()
// No pings during a measurement: the load generator does not answer them.
const io = new Server(http, { pingInterval: 600_000, ...(redis ? { adapter: createAdapter(redis) } : {}) })

/** Resolves when Redis has the message: `io.to(room).emit` does the same and does not tell. */
async function publish(room, text) {
  if (!redis) return io.to(room).emit('message', text)
  const packet = { type: 2, data: ['message', text], nsp: '/' }
  return io.of('/').adapter.broadcast(packet, { rooms: new Set([room]), except: new Set(), flags: {} })
}

io.on('connection', (socket) => {
  socket.on('join', (room, done) => {
    void socket.join(room)
    done()
  })
  socket.on('publish', async (room, text, done) => {
    await publish(room, text)
    done()
  })
})
http.listen(0, '127.0.0.1', () => process.stdout.write(`${http.address().port}\n`))
process.stdin.resume().once('end', () => process.exit())
