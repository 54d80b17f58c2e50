import type { TSchema } from 'typebox'

/** The JSON Schema keywords that the schemas of this package use; a test holds both against each other. */
interface Keywords {
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null'
  const?: unknown
  anyOf?: Keywords[]
  properties?: Record<string, Keywords>
  required?: string[]
  /** Of names that are not among the properties. */
  additionalProperties?: false | Keywords
  propertyNames?: Keywords
  minProperties?: number
  maxProperties?: number
  items?: Keywords
  minItems?: number
  maxItems?: number
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
}

const patterns = new Map<string, RegExp>()

/**
 * Why a value does not have a schema's shape, in one sentence that names the place; undefined when it has. Written here because
 * a general validator is most of what a browser would have to load of the SDK. Nothing is compiled: pages with a strict content
 * security policy run this too.
 */
export function describeMismatch(schema: TSchema, value: unknown): string | undefined {
  return mismatch(schema as Keywords, value, '')
}

function mismatch(schema: Keywords, value: unknown, at: string): string | undefined {
  const place = at === '' ? 'The body' : at
  if (schema.anyOf) {
    if (schema.anyOf.some((option) => mismatch(option, value, at) === undefined)) return undefined
    return `${place} is none of what is allowed there`
  }
  if (schema.const !== undefined && value !== schema.const) return `${place} must be ${JSON.stringify(schema.const)}`
  if (schema.type !== undefined && !hasType(schema.type, value)) return `${place} must be of type ${schema.type}`
  if (typeof value === 'string') return stringMismatch(schema, value, place)
  if (typeof value === 'number') return numberMismatch(schema, value, place)
  if (schema.type === 'array') return itemsMismatch(schema, value as unknown[], at)
  if (schema.type === 'object') return propertiesMismatch(schema, value as Record<string, unknown>, at)
  return undefined
}

function hasType(type: NonNullable<Keywords['type']>, value: unknown): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'array':
      return Array.isArray(value)
    case 'number':
      return Number.isFinite(value)
    case 'integer':
      return Number.isInteger(value)
    case 'null':
      return value === null
    case 'string':
    case 'boolean':
      return typeof value === type
  }
}

function stringMismatch({ pattern, minLength = 0, maxLength }: Keywords, value: string, place: string): string | undefined {
  if (pattern !== undefined) {
    const compiled = patterns.get(pattern) ?? new RegExp(pattern, 'u')
    patterns.set(pattern, compiled)
    if (!compiled.test(value)) return `${place} must match ${pattern}`
  }
  // JSON Schema counts code points, of which there are at most as many as code units and at least half of them.
  if (value.length < minLength || (value.length < 2 * minLength && Array.from(value).length < minLength))
    return `${place} must have at least ${minLength} characters`
  if (maxLength !== undefined && value.length > maxLength && (value.length > 2 * maxLength || Array.from(value).length > maxLength))
    return `${place} must have at most ${maxLength} characters`
  return undefined
}

function numberMismatch({ minimum, maximum }: Keywords, value: number, place: string): string | undefined {
  if (minimum !== undefined && value < minimum) return `${place} must be at least ${minimum}`
  if (maximum !== undefined && value > maximum) return `${place} must be at most ${maximum}`
  return undefined
}

function itemsMismatch({ items, minItems = 0, maxItems }: Keywords, value: unknown[], at: string): string | undefined {
  if (value.length < minItems) return `${at === '' ? 'The body' : at} must have at least ${minItems} items`
  if (maxItems !== undefined && value.length > maxItems) return `${at === '' ? 'The body' : at} must have at most ${maxItems} items`
  if (!items) return undefined
  for (const [index, item] of value.entries()) {
    const found = mismatch(items, item, `${at}/${index}`)
    if (found) return found
  }
  return undefined
}

function propertiesMismatch(schema: Keywords, value: Record<string, unknown>, at: string): string | undefined {
  const { properties = {}, required = [] } = schema
  const missing = required.find((name) => !Object.hasOwn(value, name))
  if (missing !== undefined) return `${at}/${missing} is missing`
  const { additionalProperties } = schema
  if (additionalProperties !== undefined) {
    const further = Object.keys(value).filter((name) => !Object.hasOwn(properties, name))
    const [unknown] = further
    if (!additionalProperties && unknown !== undefined) return `${at}/${unknown.slice(0, 64)} is not known here`
    if (additionalProperties)
      return membersMismatch(
        schema,
        further.map((name) => [name, value[name]]),
        at,
      )
  }
  for (const [name, property] of Object.entries(properties)) {
    // Only JavaScript has properties without a value; JSON leaves them out.
    if (!Object.hasOwn(value, name) || (value[name] === undefined && !required.includes(name))) continue
    const found = mismatch(property, value[name], `${at}/${name}`)
    if (found) return found
  }
  return undefined
}

/** Of an object whose names are data. */
function membersMismatch(schema: Keywords, members: [name: string, value: unknown][], at: string): string | undefined {
  const { additionalProperties, propertyNames, minProperties = 0, maxProperties = members.length } = schema
  if (members.length < minProperties) return `${at === '' ? 'The body' : at} must have at least ${minProperties} members`
  if (members.length > maxProperties) return `${at === '' ? 'The body' : at} must have at most ${maxProperties} members`
  for (const [name, value] of members) {
    const place = `${at}/${name.slice(0, 64)}`
    const found =
      (propertyNames && mismatch(propertyNames, name, `The name ${place}`)) ??
      (additionalProperties ? mismatch(additionalProperties, value, place) : undefined)
    if (found) return found
  }
  return undefined
}
