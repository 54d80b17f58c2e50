import { expect, test } from 'vitest'
import { judgeEndpoint, type Shown } from './endpoint-certificate.ts'

const certificate: Shown['certificate'] = { covers: (host) => host === 'relay.example' }
const judge = (endpoint: string, shown: Partial<Shown> = {}): string => judgeEndpoint(endpoint, { behindProxy: false, ...shown })
const refused = (message: RegExp): object => expect.objectContaining({ code: 'config', message: expect.stringMatching(message) }) as object

test('where https is registered there is a certificate for it', () => {
  expect(judge('https://relay.example:8443', { certificate })).toBe('for relay.example')
  expect(() => judge('https://other.example', { certificate })).toThrow(refused(/not for other\.example/))
  expect(() => judge('https://relay.example')).toThrow(refused(/no certificate.*trustProxy/))
})

test('a proxy may show one, though not to other servers', () => {
  expect(judge('https://relay.example', { behindProxy: true })).toMatch(/proxy has to show one for relay\.example.*servers link only/)
  expect(() => judge('https://other.example', { certificate, behindProxy: true })).toThrow(refused(/not for other\.example/))
})

test('where http is registered there is none', () => {
  expect(judge('http://127.0.0.1:8080')).toMatch(/^none/)
  expect(() => judge('http://127.0.0.1:8080', { certificate })).toThrow(refused(/nobody expects TLS/))
})
