export * from './control.ts'
export * from './fold.ts'
export * from './members.ts'
