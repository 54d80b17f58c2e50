import { globSync } from 'node:fs'
import { createRequire } from 'node:module'
import hardhatViem from '@nomicfoundation/hardhat-viem'
import { defineConfig } from 'hardhat/config'

// The compiler comes with the npm install: nothing is downloaded at build time.
const solc = { version: '0.8.37', path: createRequire(import.meta.url).resolve('solc/soljson.js') }
// Cancun is the oldest fork with transient storage, so the bytecode also runs where later forks are not live yet.
const evmVersion = 'cancun'
// Without the hash of the sources in it, the bytecode changes with the code only and not with a comment.
const metadata = { bytecodeHash: 'none' }
// More runs save a few hundred gas a call and make the server registry too large to deploy.
const shipped = { ...solc, settings: { viaIR: true, optimizer: { enabled: true, runs: 200 }, evmVersion, metadata } }

// Tests deploy the built artifacts, so optimizing the tests themselves would only cost time. Those of the libraries are
// compiled as shipped, because a library becomes part of what uses it.
const unoptimized = { ...solc, settings: { viaIR: false, optimizer: { enabled: false }, evmVersion } }
const libraryTests = ['contracts/test/Did.t.sol', 'contracts/test/Endpoint.t.sol']
const otherTests = globSync('contracts/test/*.t.sol', { cwd: import.meta.dirname }).filter((file) => !libraryTests.includes(file))

export default defineConfig({
  plugins: [hardhatViem],
  paths: { sources: './contracts/src', tests: { solidity: './contracts/test' }, artifacts: './artifacts', cache: './cache' },
  solidity: {
    profiles: {
      default: { compilers: [shipped], overrides: Object.fromEntries(otherTests.map((file) => [file, unoptimized])) },
    },
  },
  test: {
    solidity: {
      fsPermissions: { readDirectory: ['./artifacts'] },
      fuzz: { runs: 256 },
      invariant: { runs: 64, depth: 64, failOnRevert: true },
    },
  },
})
