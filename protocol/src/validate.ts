import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'

/**
 * Why a value does not have a schema's shape, in one sentence that names the place; undefined when it has.
 * Interpreted, not compiled: pages with a strict content security policy run this too.
 */
export function describeMismatch(schema: TSchema, value: unknown): string | undefined {
  if (Check(schema, value)) return undefined
  const [first] = Errors(schema, value)
  if (!first) return 'The value does not have the expected shape'
  return `${first.instancePath === '' ? 'The body' : first.instancePath} ${first.message}`
}
