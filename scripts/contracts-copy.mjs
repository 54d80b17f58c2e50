import { cpSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** @returns the path of a copy of what the compiler and the Solidity tests read, for whoever wants to change it */
export function copyContracts() {
  const copy = mkdtempSync(join(tmpdir(), 'dred-contracts-'))
  for (const path of ['contracts/src', 'contracts/test', 'protocol/vectors', 'hardhat.config.ts', 'package.json']) {
    cpSync(join(root, path), join(copy, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** The command that runs Hardhat with the profile that compiles quickly. */
export const hardhat = [join(root, 'node_modules', 'hardhat', 'dist', 'src', 'cli.js'), '--build-profile', 'quick']
