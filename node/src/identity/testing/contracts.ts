import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Abi, Hex } from 'viem'

interface Compiler {
  compile(input: string, callbacks: { import: (path: string) => { contents: string } }): string
}

interface Output {
  errors?: { severity: string; formattedMessage: string }[]
  contracts: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>
}

const require = createRequire(import.meta.url)
const support = new URL('../../../../contracts/test/support/', import.meta.url)

/** The contracts that the registries are tested with, compiled: a wallet with one owner (ERC-1271), and a token of which anyone may mint any id. */
export function compileContracts(): Record<'ContractWallet' | 'GateNft', { abi: Abi; bytecode: Hex }> {
  const compiler = require('solc') as Compiler
  const names = ['ContractWallet', 'GateNft'] as const
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(names.map((name) => [`${name}.sol`, { content: readFileSync(new URL(`${name}.sol`, support), 'utf8') }])),
    settings: { evmVersion: 'cancun', outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } } },
  }
  const imports = (path: string) => ({ contents: readFileSync(require.resolve(path), 'utf8') })
  const { errors = [], contracts } = JSON.parse(compiler.compile(JSON.stringify(input), { import: imports })) as Output
  const failed = errors.find(({ severity }) => severity === 'error')
  if (failed) throw new Error(failed.formattedMessage)
  const compiled = (name: (typeof names)[number]) => {
    const contract = contracts[`${name}.sol`]?.[name]
    if (!contract) throw new Error(`${name} was not compiled`)
    return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` as Hex }
  }
  return { ContractWallet: compiled('ContractWallet'), GateNft: compiled('GateNft') }
}
