import type { Fields } from '../config-fields.ts'

/** The `processes` part of the configuration. */
export interface ProcessesConfig {
  /** Processes of this server on this machine, which share the port. Default: 1. */
  count: number
  /** Address at which the process that leads takes over connections of peers from the others. Default: 127.0.0.1. */
  internalHost: string
}

export const oneProcess: ProcessesConfig = { count: 1, internalHost: '127.0.0.1' }

export function readProcesses(fields: Fields): ProcessesConfig {
  const processes = {
    count: fields.integer('count', { min: 1, max: 64, fallback: oneProcess.count }),
    internalHost: fields.string('internalHost', { fallback: oneProcess.internalHost }),
  }
  fields.refuseUnknown()
  return processes
}
