import { join } from 'node:path'

/** Everything that `dred dev` keeps, under the working directory. */
export interface DevPaths {
  root: string
  lock: string
  state: string
  keys: string
  logs: string
  stores: string
  indexer: string
  /** Configuration for other commands against the running network. */
  config: string
}

export function devPaths(cwd: string): DevPaths {
  const root = join(cwd, '.dred', 'dev')
  return {
    root,
    lock: join(root, 'lock.json'),
    state: join(root, 'state.json'),
    keys: join(root, 'keys'),
    logs: join(root, 'logs'),
    stores: join(root, 'stores'),
    indexer: join(root, 'indexer'),
    config: join(root, 'dred.toml'),
  }
}

export function serverConfigPath(paths: DevPaths, index: number): string {
  return join(paths.root, `server-${index}.toml`)
}
