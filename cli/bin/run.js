#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'

// Loading modules fills V8's young generation with garbage, and a process that stays would keep the room for it, some 20 MiB.
// The command gives the young generation its growth back once it is loaded.
setFlagsFromString('--semi-space-growth-factor=1')
const { main } = await import('../dist/main.js')
await main(process.argv.slice(2), import.meta.url)
