// A relay server, started as `dred serve` starts it, with settings that the command line does not offer. Argument: a JSON file of settings.
import { readFileSync } from 'node:fs'
import { parseNodeConfig, serve } from '@dred/node'

const [file = ''] = process.argv.slice(2)
const server = await serve(parseNodeConfig(JSON.parse(readFileSync(file, 'utf8'))))
process.stdout.write(`${JSON.stringify({ url: server.url, adminUrl: server.adminUrl })}\n`)
process.once('SIGTERM', () => void server.close().then(() => process.exit()))
process.stdin.resume().once('end', () => process.exit())
