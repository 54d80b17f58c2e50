import { globSync } from 'node:fs'
import { createRequire } from 'node:module'
import hardhatIgnition from '@nomicfoundation/hardhat-ignition-viem'
import hardhatKeystore from '@nomicfoundation/hardhat-keystore'
import hardhatVerify from '@nomicfoundation/hardhat-verify'
import hardhatViem from '@nomicfoundation/hardhat-viem'
import { configVariable, defineConfig } from 'hardhat/config'
import type { NetworkUserConfig } from 'hardhat/types/config'
import type { HardhatPlugin } from 'hardhat/types/plugins'

// The compiler comes with the npm install: nothing is downloaded at build time.
const solc = { version: '0.8.37', path: createRequire(import.meta.url).resolve('solc/soljson.js') }
// Cancun is the oldest fork with transient storage, so the bytecode also runs where later forks are not live yet.
const evmVersion = 'cancun'
// Without the hash of the sources in it, the bytecode changes with the code only and not with a comment.
const metadata = { bytecodeHash: 'none' }
// More runs save little and make the server registry too large to deploy; fewer make it larger, too.
const shipped = { ...solc, settings: { viaIR: true, optimizer: { enabled: true, runs: 800 }, evmVersion, metadata } }

// Tests deploy the built artifacts, so optimizing the tests themselves would only cost time. Those of the libraries are
// compiled as shipped, because a library becomes part of what uses it.
const unoptimized = { ...solc, settings: { viaIR: false, optimizer: { enabled: false }, evmVersion } }
const libraryTests = ['contracts/test/Did.t.sol', 'contracts/test/Endpoint.t.sol', 'contracts/test/Statements.t.sol']
const otherTests = globSync('contracts/test/*.t.sol', { cwd: import.meta.dirname }).filter((file) => !libraryTests.includes(file))

// Planted mutations and coverage are compiled in a third of the time, and never deployed.
const quick = { ...solc, settings: { viaIR: false, optimizer: { enabled: true, runs: 1 }, evmVersion, metadata } }

// Deployments build with the second profile. By itself it would compile each contract alone, which changes the bytecode.
const profile = {
  compilers: [shipped],
  overrides: Object.fromEntries(otherTests.map((file) => [file, unoptimized])),
  isolated: false,
  toolVersionsInBuildInfo: false,
}

/** Hardhat compiles together what has one object of settings, and makes one of its own for each override: a compiler run for each test. */
const testsTogether: HardhatPlugin = {
  id: 'tests-together',
  hookHandlers: {
    config: async () => ({
      default: async () => ({
        resolveUserConfig: async (config, resolveVariable, next) => {
          const resolved = await next(config, resolveVariable)
          for (const { overrides } of Object.values(resolved.solidity.profiles)) {
            const [first] = Object.values(overrides)
            if (first) for (const file of Object.keys(overrides)) overrides[file] = first
          }
          return resolved
        },
      }),
    }),
  },
}

// Asked for only by what needs them: URLs of RPC providers, and the key of the account that deploys. Set with `hardhat keystore set`.
function network(name: string, chainType: 'l1' | 'op', chainId: number): NetworkUserConfig {
  return { type: 'http', chainType, chainId, url: configVariable(`${name}_RPC_URL`), accounts: [configVariable(`${name}_KEY`)] }
}

export default defineConfig({
  plugins: [hardhatViem, hardhatIgnition, hardhatKeystore, hardhatVerify, testsTogether],
  paths: {
    sources: './contracts/src',
    tests: { solidity: './contracts/test' },
    ignition: './contracts/ignition',
    artifacts: './artifacts',
    cache: './cache',
  },
  networks: {
    mainnet: network('MAINNET', 'l1', 1),
    sepolia: network('SEPOLIA', 'l1', 11_155_111),
    baseSepolia: network('BASE_SEPOLIA', 'op', 84_532),
  },
  verify: { etherscan: { apiKey: configVariable('ETHERSCAN_API_KEY') } },
  solidity: { profiles: { default: profile, production: profile, quick: { ...profile, compilers: [quick] } } },
  test: {
    solidity: {
      fsPermissions: { readDirectory: ['./artifacts', './protocol/vectors'] },
      fuzz: { runs: 256 },
      invariant: { runs: 32, depth: 64, failOnRevert: true },
    },
  },
})
