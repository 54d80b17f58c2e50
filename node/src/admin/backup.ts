import type { Store } from '../store/port.ts'
import { malformed } from './block-request.ts'

const NAME = /^\w[\w.-]{0,127}$/

/**
 * Writes what the store holds to a new file beside its own.
 * @param fields `name` of the file; default: one with the date
 * @throws DredError `malformed_request`: not a name, or a store that is no file
 */
export async function backUp(
  store: Pick<Store, 'backup'>,
  { name = `backup-${new Date().toISOString().replaceAll(':', '')}.db` }: Readonly<Record<string, unknown>>,
): Promise<{ file: string }> {
  if (typeof name !== 'string' || !NAME.test(name)) throw malformed('name has to be that of a file, of letters, digits, dots and dashes')
  if (!store.backup) throw malformed('The store is no file: Redis has means of its own')
  return { file: await store.backup(name) }
}
