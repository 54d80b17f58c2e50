import { createServer, type Server } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { listActiveServers, listServers } from './discovery.ts'

const servers = ['active', 'pending', 'lapsed', 'exiting', 'withdrawn'].map((status, index) => ({ id: index + 1, status }))
let api: Server
afterEach(() => new Promise((done) => api.close(done)))

/** Discovery's list of servers, two on a page: the active ones unless a status is asked for. */
async function serve(): Promise<string> {
  api = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const wanted = searchParams.get('status') ?? 'active'
    const after = Number(searchParams.get('cursor') ?? 0)
    const left = servers.filter(({ id, status }) => id > after && (wanted === 'all' || wanted === status))
    const [items, next] = [left.slice(0, 2), left.length > 2 ? String(left[1]?.id) : null]
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ items, next }))
  })
  await new Promise<void>((done) => api.listen(0, '127.0.0.1', done))
  const address = api.address()
  if (address === null || typeof address === 'string') throw new TypeError('A TCP server has a port')
  return `http://127.0.0.1:${address.port}`
}

test('servers of every status are listed, from all pages; or the active ones', async () => {
  const urls = [await serve()]
  expect((await listServers(urls, 7)).map(({ status }) => status)).toEqual(servers.map(({ status }) => status))
  expect((await listActiveServers(urls, 7)).map(({ id }) => id)).toEqual([1])
})
