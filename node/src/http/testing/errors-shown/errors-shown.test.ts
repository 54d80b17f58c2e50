import { subscribe } from 'node:diagnostics_channel'
import { errors, routes } from '@dred/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { problemChannel } from '../../../observability/problem-channel.ts'
import { shownErrors } from './index.ts'
import { Servers } from './servers.ts'

// The table in docs/protocol/route-errors.md names these.
const servers = new Servers()
afterAll(() => servers.close())

let told: unknown
subscribe(problemChannel.name, (problem) => {
  told = problem
})

const byRoute = Object.groupBy(shownErrors(), ({ route }) => `${routes[route].method} ${routes[route].path}`)

describe.each(Object.entries(byRoute))('%s', (_route, shown = []) => {
  test.each(shown.map((one) => [`${errors[one.code].status} ${one.code}: ${one.situation?.when ?? 'nobody shows it'}`, one] as const))(
    '%s',
    async (_name, { route, code, situation }) => {
      const { status, json } = (await situation?.show(servers, route)) ?? {}
      expect(json).toMatchObject({ code, type: `/problems/${code}`, requestId: expect.any(String) as unknown })
      expect(status).toBe(errors[code].status)
      expect(told).toEqual({ method: routes[route].method, route: routes[route].path, code })
    },
  )
})
