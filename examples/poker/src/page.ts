import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export interface PageOptions {
  neighborhood: string
  /** Base URLs of discovery services. */
  discovery: string[]
  /** Default 0: any free one. */
  port?: number
}

export interface RunningPage {
  url: string
  /** Resolves when the port is free again. */
  close(): Promise<void>
}

interface Asset {
  type: string
  body: string
}

const webFile = (name: string): string => fileURLToPath(new URL(`../web/${name}`, import.meta.url))

async function bundle(): Promise<string> {
  const result = await build({
    entryPoints: [webFile('main.ts')],
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  })
  return result.outputFiles.map(({ text }) => text).join('\n')
}

/**
 * Relay servers are wherever discovery says: by https anywhere, or on this machine.
 * Everything else comes from here, and nothing is inline.
 */
function contentSecurityPolicy(discovery: readonly string[]): string {
  const connect = ["'self'", 'https:', 'http://127.0.0.1:*', 'http://localhost:*', ...discovery.map((url) => new URL(url).origin)]
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${[...new Set(connect)].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

function send(response: ServerResponse, status: number, { type, body }: Asset): void {
  response.writeHead(status, { 'content-type': type }).end(body)
}

/**
 * Bundles the web page and serves it on 127.0.0.1.
 * @throws Error of the build, or of `listen` when the port is taken
 */
export async function startPage({ neighborhood, discovery, port = 0 }: PageOptions): Promise<RunningPage> {
  const [html, css, icon, script] = await Promise.all([
    readFile(webFile('index.html'), 'utf8'),
    readFile(webFile('style.css'), 'utf8'),
    readFile(webFile('icon.svg'), 'utf8'),
    bundle(),
  ])
  const assets = new Map<string, Asset>([
    ['/', { type: 'text/html; charset=utf-8', body: html }],
    ['/style.css', { type: 'text/css; charset=utf-8', body: css }],
    ['/icon.svg', { type: 'image/svg+xml', body: icon }],
    ['/main.js', { type: 'text/javascript; charset=utf-8', body: script }],
    ['/config.json', { type: 'application/json', body: JSON.stringify({ neighborhood, discovery }) }],
  ])
  const policy = contentSecurityPolicy(discovery)
  const server = createServer((request, response) => {
    response.setHeader('content-security-policy', policy)
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('referrer-policy', 'no-referrer')
    response.setHeader('cache-control', 'no-store')
    const asset = assets.get((request.url ?? '/').split('?')[0] ?? '/')
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, { type: 'text/plain', body: 'Only GET\n' })
    if (!asset) return send(response, 404, { type: 'text/plain', body: 'Not found\n' })
    return send(response, 200, asset)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: actual } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${actual}/`,
    close: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}
