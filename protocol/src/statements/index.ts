export * from './heads.ts'
export * from './preimage.ts'
export * from './signature.ts'
export type * from './types.ts'
