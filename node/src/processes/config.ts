import type { Fields } from '../config-fields.ts'

/** The `processes` part of the configuration. */
export interface ProcessesConfig {
  /** Processes of this server on this machine, which share the port. Default: 1. */
  count: number
  /** Address at which the process that leads takes over connections of peers from the others. Default: 127.0.0.1. */
  internalHost: string
  /** Whether another process of this server has the port already and shares it. No setting: it is told by who starts this one. */
  joins?: boolean
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
