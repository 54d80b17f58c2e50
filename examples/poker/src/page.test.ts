import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningPage, startPage } from './page.ts'

const discovery = ['https://discovery.example:8443/base']

describe('the page', () => {
  let page: RunningPage
  beforeAll(async () => {
    page = await startPage({ neighborhood: '7', discovery })
  })
  afterAll(() => page.close())

  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(new URL(path, page.url), init)

  it('is served on this machine only, with a policy that allows nothing inline and nothing from elsewhere', async () => {
    expect(new URL(page.url).hostname).toBe('127.0.0.1')
    const policy = (await get('/')).headers.get('content-security-policy') ?? ''
    const directives = new Map(policy.split('; ').map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1)]))
    expect(directives.get('default-src')).toEqual(["'none'"])
    expect(directives.get('script-src')).toEqual(["'self'"])
    expect(directives.get('style-src')).toEqual(["'self'"])
    expect(directives.get('connect-src')).toContain('https://discovery.example:8443')
    expect(policy).not.toMatch(/unsafe|data:|\*(?![ ;]|$)/)
  })

  it('has what its HTML names, and its HTML names nothing of elsewhere', async () => {
    const html = await (await get('/')).text()
    const named = [...html.matchAll(/<(?:script|link|img)[^>]* (?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(named.length).toBeGreaterThanOrEqual(4)
    for (const path of named) {
      expect(path).toMatch(/^\/[a-z]/)
      expect((await get(path)).status).toBe(200)
    }
    expect(html).not.toMatch(/<style|style=|<script(?![^>]* src=)| on[a-z]+=/)
  })

  it('is told where it is', async () => {
    expect(await (await get('/config.json')).json()).toEqual({ neighborhood: '7', discovery })
  })

  it('has nothing else', async () => {
    expect((await get('/../package.json')).status).toBe(404)
    expect((await get('/', { method: 'POST' })).status).toBe(405)
  })
})

it('leaves its port when it is closed', async () => {
  const first = await startPage({ neighborhood: '7', discovery })
  const port = Number(new URL(first.url).port)
  await expect(startPage({ neighborhood: '7', discovery, port })).rejects.toThrow('EADDRINUSE')
  await first.close()
  const second = await startPage({ neighborhood: '7', discovery, port })
  expect(second.url).toBe(first.url)
  await second.close()
})
