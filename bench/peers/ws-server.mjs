// Rooms over plain WebSockets, as written by hand in an afternoon: nothing is kept. Its first line on stdout is its port.
import { WebSocketServer } from 'ws'

const rooms = new Map()
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })

server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const text = Buffer.concat([data].flat()).toString()
    const end = text.indexOf('\n')
    const [verb, room] = text.slice(0, end).split(' ')
    if (verb === 'join') {
      if (!rooms.has(room)) rooms.set(room, new Set())
      rooms.get(room).add(socket)
      socket.on('close', () => rooms.get(room).delete(socket))
    } else {
      const message = text.slice(end + 1)
      for (const member of rooms.get(room) ?? []) member.send(message)
    }
    socket.send('ok')
  })
})
server.on('listening', () => process.stdout.write(`${server.address().port}\n`))
process.stdin.resume().once('end', () => process.exit())
