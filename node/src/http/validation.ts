import { DredError, describeMismatch } from '@dred/protocol'
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify'
import type { TSchema } from 'typebox'

/**
 * Judges path and query by protocol's schemas; text that is a number counts as one where an integer is asked for. Bodies pass
 * as they were sent: the core judges them, and nothing is coerced or removed on the way.
 */
const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return (value: unknown) => ({ value })
  const integers = Object.entries(propertiesOf(schema)).flatMap(([name, { type }]) => (type === 'integer' ? [name] : []))
  return (input: unknown) => {
    const value: Record<string, unknown> = { ...(input as Record<string, unknown>) }
    for (const name of integers) {
      const text = value[name]
      if (typeof text === 'string' && /^[0-9]{1,15}$/.test(text)) value[name] = Number(text)
    }
    const mismatch = describeMismatch(schema, value)
    if (mismatch === undefined) return { value }
    return { error: new DredError('malformed_request', { detail: mismatch.replace(/^The body/, 'The request') }) }
  }
}

function propertiesOf(schema: TSchema): Record<string, { type?: unknown }> {
  return 'properties' in schema ? (schema.properties as Record<string, { type?: unknown }>) : {}
}

/** Answers are made to their schema's shape; the schemas serve OpenAPI. */
const serializerCompiler = () => (value: unknown) => JSON.stringify(value)

/**
 * Both compilers as an option of Fastify, which loads those that it would use itself when they are only set later. Their types there
 * are Ajv's, which takes other schemas too.
 */
export const schemaController = {
  compilersFactory: { buildValidator: () => validatorCompiler as never, buildSerializer: () => serializerCompiler },
} satisfies FastifyServerOptions['schemaController']
