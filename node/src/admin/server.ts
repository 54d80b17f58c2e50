import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DredError } from '@dred/protocol'
import { perform } from './answer.ts'
import type { Command } from './commands.ts'
import { loadAdminToken } from './token.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

/** One thing that has to be right for the server to be of use. */
export interface Check {
  ok: boolean
  detail?: string
}

export interface AdminOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  checks: () => Promise<Record<string, Check>>
  metrics: { text(): Promise<string>; contentType: string }
  /** What an operator may ask and tell the process who has the token of this file; none without one. */
  tokenFile?: string | undefined
  commands?: ReadonlyMap<string, Command>
}

export interface AdminServer {
  url: string
  close(): Promise<void>
}

/**
 * Health, metrics and commands, on a port of their own that is not for the public.
 * @throws the system's error when the port is taken; StartupError `config`
 */
export async function startAdmin({ host, port, checks, metrics, tokenFile, commands = new Map() }: AdminOptions): Promise<AdminServer> {
  const token = tokenFile === undefined ? undefined : await loadAdminToken(tokenFile)
  const server = createServer((request, response) => {
    const send = sender(response)
    const [path] = (request.url ?? '').split('?')
    const answer = async (): Promise<void> => {
      if (token !== undefined && path?.startsWith('/admin/')) {
        const answered = await perform(request, commands, token)
        return send(200, JSON.stringify(answered), JSON_TYPE)
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'Only GET and HEAD\n')
      if (path === '/livez') return send(200, 'ok\n')
      if (path === '/metrics') return send(200, await metrics.text(), metrics.contentType)
      if (path !== '/readyz') return send(404, 'There are /livez, /readyz and /metrics\n')
      const results = await checks()
      const ready = Object.values(results).every(({ ok }) => ok)
      return send(ready ? 200 : 503, JSON.stringify({ ready, checks: results }), JSON_TYPE)
    }
    answer().catch((error: unknown) => {
      if (error instanceof DredError) send(error.status, JSON.stringify(error.toProblem()), 'application/problem+json; charset=utf-8')
      else send(500, `${String(error)}\n`)
    })
  })
  await listen(server, host, port)
  const { address, family, port: actualPort } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actualPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function sender(response: ServerResponse): (status: number, body: string, type?: string) => void {
  return (status, body, type = 'text/plain; charset=utf-8') => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
    response.end(body)
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
