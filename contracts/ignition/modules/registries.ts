import { buildModule } from '@nomicfoundation/hardhat-ignition/modules'
import { deployRegistries } from '../registries.ts'

/**
 * The registries for a public chain. Its one parameter, `guardian`, can never be changed and has no default: the account that may pause
 * registrations everywhere, or the zero address for none.
 */
export default buildModule('Registries', (m) => deployRegistries(m, m.getParameter<string>('guardian')))
