import { type ErrorCode, type RouteName, routeErrors } from '@dred/protocol'
import { ofContent } from './content.ts'
import { ofBody, ofHead } from './head.ts'
import type { Situation } from './situation.ts'
import { ofState } from './state.ts'

/** Files of situations, and what they hold. */
export const files: Record<string, readonly Situation[]> = { head: [...ofHead, ...ofBody], state: ofState, content: ofContent }

/** Every error of every route, and in which situation a test shows it; none where nobody shows it yet. */
export function shownErrors(): { route: RouteName; code: ErrorCode; file?: string; situation?: Situation }[] {
  const all = Object.entries(files).flatMap(([file, situations]) => situations.map((situation) => ({ file, situation })))
  return Object.entries(routeErrors).flatMap(([name, codes]) =>
    codes.map((code: ErrorCode) => {
      const route = name as RouteName
      const found = all.find(({ situation }) => situation.code === code && (situation.routes?.includes(route) ?? true))
      return { route, code, ...found }
    }),
  )
}
