import type { buildModule } from '@nomicfoundation/hardhat-ignition/modules'

type ModuleBuilder = Parameters<Parameters<typeof buildModule>[1]>[0]
type Guardian = ReturnType<ModuleBuilder['getAccount']> | ReturnType<ModuleBuilder['getParameter']>

/** Two transactions: the server registry deploys the compliance registry itself. */
export function deployRegistries(m: ModuleBuilder, guardian: Guardian) {
  const neighborhoodRegistry = m.contract('NeighborhoodRegistry', [guardian])
  const serverRegistry = m.contract('ServerRegistry', [neighborhoodRegistry])
  const complianceRegistry = m.contractAt('ComplianceRegistry', m.staticCall(serverRegistry, 'complianceRegistry'))
  return { neighborhoodRegistry, serverRegistry, complianceRegistry }
}
