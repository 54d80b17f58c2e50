export type { RegisteredServer, RegistryView } from './chain/port.ts'
export type { Store } from './store/port.ts'
