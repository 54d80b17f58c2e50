import { join } from 'node:path'

/** Where the npm packages of peers are installed, apart from the product's. */
export const peerFolder = join(import.meta.dirname, '../peers')
