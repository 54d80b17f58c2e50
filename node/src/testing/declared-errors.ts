import { type ErrorCode, isErrorCode, type RouteName, routeErrors, routes } from '@dred/protocol'
import { declaredMethod } from '../http/methods.ts'
import type { ToldProblem } from '../observability/problem-channel.ts'

const always: readonly ErrorCode[] = routeErrors.wellKnown

/** What addresses may answer that are not routes for clients, or none at all. */
const elsewhere: Record<string, readonly ErrorCode[]> = {
  'GET /problems/:code': [...always, 'not_found'],
  'GET /openapi.json': always,
  'POST /peer': always,
  none: [...routeErrors.endSession, 'not_found', 'method_not_allowed'],
}

const declared = new Map<string, readonly ErrorCode[]>([
  ...Object.entries(routes).map(([name, { method, path }]) => [`${method} ${path}`, routeErrors[name as RouteName]] as const),
  ...Object.entries(elsewhere),
])

/** Whether an address may answer with an error. @param route template, undefined where there is no route */
export function isDeclared({ method, route, code }: ToldProblem): boolean {
  const codes = declared.get(route === undefined ? 'none' : `${declaredMethod(method)} ${route}`)
  return codes !== undefined && isErrorCode(code) && codes.includes(code)
}

let faults = 0

/** Lets one answer `internal` pass, of a fault that the test makes. */
export function expectFault(): void {
  faults++
}

/** @throws Error for an error that its address does not declare */
export function assertDeclared(told: ToldProblem): void {
  if (isDeclared(told)) return
  if (told.code === 'internal' && faults > 0) {
    faults--
    return
  }
  const { method, route = '(no route)', code } = told
  throw new Error(`${method} ${route} answers ${code}, which protocol/src/route-errors.ts does not declare`)
}
