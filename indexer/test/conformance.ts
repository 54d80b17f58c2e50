import { openApiDocument } from '../src/api/openapi.ts'

type Schema = {
  $ref?: string
  oneOf?: Schema[]
  const?: unknown
  enum?: readonly unknown[]
  type?: string
  pattern?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
}

const components: Record<string, Schema> = openApiDocument.components.schemas

/** The schema that the OpenAPI document gives for an answer of 200 at this path; undefined for a path it does not have. */
function schemaOf(path: string): Schema | undefined {
  const { pathname } = new URL(path, 'http://localhost')
  const found = Object.entries(openApiDocument.paths).find(([template]) =>
    new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  )
  if (found === undefined || !('get' in found[1])) return undefined
  return found[1].get.responses[200].content['application/json'].schema
}

/** What in an answer is not as the OpenAPI document says, properties that it does not name included. */
export function violationsOf(path: string, body: unknown): string[] {
  const schema = schemaOf(path)
  return schema === undefined ? [`${path} is not documented`] : violations(body, schema, path)
}

function violations(value: unknown, schema: Schema, at: string): string[] {
  if (schema.$ref !== undefined) return violations(value, components[schema.$ref.replace('#/components/schemas/', '')] ?? { oneOf: [] }, at)
  if (schema.oneOf !== undefined) {
    const attempts = schema.oneOf.map((option) => violations(value, option, at))
    const fitting = attempts.filter((attempt) => attempt.length === 0).length
    return fitting === 1 ? [] : [`${at}: ${JSON.stringify(value)} fits ${fitting} of the alternatives`]
  }
  if ('const' in schema && value !== schema.const) return [`${at}: ${String(value)} is not ${String(schema.const)}`]
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${at}: ${String(value)} is none of ${schema.enum.join(', ')}`]
  if (schema.type !== undefined && typeOf(value) !== schema.type) return [`${at}: ${JSON.stringify(value)} is not of type ${schema.type}`]
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(String(value)))
    return [`${at}: ${String(value)} is not like ${schema.pattern}`]
  if (Array.isArray(value)) return value.flatMap((item, index) => violations(item, schema.items ?? {}, `${at}/${index}`))
  const { properties, required = [] } = schema
  if (properties === undefined || typeof value !== 'object' || value === null) return []
  const missing = required.filter((name) => !(name in value)).map((name) => `${at} has no ${name}`)
  const wrong = Object.entries(value).flatMap(([name, child]) => {
    const expected = properties[name]
    return expected === undefined ? [`${at}/${name} is not documented`] : violations(child, expected, `${at}/${name}`)
  })
  return [...missing, ...wrong]
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}
