export { openSignaturePool } from './pool.ts'
