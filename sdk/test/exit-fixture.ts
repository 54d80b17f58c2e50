import process from 'node:process'
import { createDredClient } from '../dist/index.js'

// Run by exit.test.ts: nothing here ends the process, so it ends only when nothing is left to do.
const client = createDredClient({ neighborhood: '7', discovery: [process.argv[2] ?? ''] })
const channel = await client.channels.create<string>()
const subscription = channel.subscribe()
await subscription.opened()
await channel.publish('hello')
for await (const { data } of subscription) {
  process.stdout.write(`received ${data}\n`)
  break
}
