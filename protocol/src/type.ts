import type * as typebox from 'typebox'

type Builders = Pick<
  typeof typebox,
  'Array' | 'Boolean' | 'Integer' | 'Literal' | 'Null' | 'Object' | 'Optional' | 'Record' | 'String' | 'Union' | 'Unknown'
>

/** Properties that may be missing; not among those that are copied or shown, as it is no keyword. */
const OPTIONAL = '~optional'

const of =
  (type?: string) =>
  (options?: object): object => ({ ...(type === undefined ? {} : { type }), ...options })

/** Of an object that has no other properties than those that are named. */
export const strict = { additionalProperties: false } as const

/**
 * TypeBox's builders with its types: what they make is plain JSON Schema. Its own bring along what only its compiler needs, which is a tenth of what
 * a browser would load of the SDK.
 */
export const Type = {
  Boolean: of('boolean'),
  Integer: of('integer'),
  Null: of('null'),
  String: of('string'),
  Unknown: of(),
  Literal: (value: unknown, options?: object) => ({ type: typeof value, const: value, ...options }),
  Array: (items: object, options?: object) => ({ type: 'array', items, ...options }),
  Record: (propertyNames: object, additionalProperties: object, options?: object) => ({
    type: 'object',
    propertyNames,
    additionalProperties,
    ...options,
  }),
  Union: (anyOf: object[], options?: object) => ({ anyOf, ...options }),
  Optional: (schema: object) => Object.defineProperty({ ...schema }, OPTIONAL, { value: true }),
  Object: (properties: Record<string, object>, options?: object) => ({
    type: 'object',
    required: Object.keys(properties).filter((name) => !(OPTIONAL in (properties[name] ?? {}))),
    properties,
    ...options,
  }),
} as unknown as Builders
