import { createRequire } from 'node:module'
import hardhatViem from '@nomicfoundation/hardhat-viem'
import { defineConfig } from 'hardhat/config'

export default defineConfig({
  plugins: [hardhatViem],
  paths: { sources: './contracts/src', tests: { solidity: './contracts/test' }, artifacts: './artifacts', cache: './cache' },
  solidity: {
    profiles: {
      default: {
        version: '0.8.37',
        // The compiler comes with the npm install: nothing is downloaded at build time.
        path: createRequire(import.meta.url).resolve('solc/soljson.js'),
        // Cancun is the oldest fork with transient storage, so the bytecode also runs where later forks are not live yet.
        settings: { viaIR: true, optimizer: { enabled: true, runs: 10_000 }, evmVersion: 'cancun' },
      },
    },
  },
  test: { solidity: { fuzz: { runs: 256 }, invariant: { runs: 64, depth: 64, failOnRevert: true } } },
})
