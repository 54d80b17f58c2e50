export { openSignaturePool, type SignaturePool } from './pool.ts'
