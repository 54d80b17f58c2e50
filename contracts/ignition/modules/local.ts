import { buildModule } from '@nomicfoundation/hardhat-ignition/modules'
import { deployRegistries } from '../registries.ts'

/** The registries and a stake token that anyone may mint, for a chain of this machine; the deploying account is the guardian. */
export default buildModule('Local', (m) => ({ ...deployRegistries(m, m.getAccount(0)), token: m.contract('DevToken') }))
