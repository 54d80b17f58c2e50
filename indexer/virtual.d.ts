/// <reference types="ponder/virtual" />

// Ties Ponder's virtual modules to this project's config and schema. Ponder would write the same into `ponder-env.d.ts`, which a
// fresh clone does not have yet when it is type-checked.
/* oxlint-disable typescript/consistent-type-imports -- an ambient module cannot import a relative path in any other way */
declare module 'ponder:internal' {
  const config: typeof import('./ponder.config.ts')
  const schema: typeof import('./ponder.schema.ts')
}
/* oxlint-enable typescript/consistent-type-imports */

declare module 'ponder:schema' {
  export * from './ponder.schema.ts'
}
