import { complianceRegistryAbi, neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import {
  BaseError,
  type Abi,
  ContractFunctionRevertedError,
  encodeErrorResult,
  HttpRequestError,
  WaitForTransactionReceiptTimeoutError,
  zeroAddress,
  zeroHash,
} from 'viem'
import { describe, expect, test } from 'vitest'
import { explain } from './explain.ts'
import { globalFlagsLast } from './main.ts'
import { explainedRefusals } from './services/chain-errors.ts'
import { suggest } from './settings.ts'
import { formatAmount, parseAmount, parseDuration, parseId } from './units.ts'

const rpcUrl = 'http://127.0.0.1:8545'

/** The error as viem throws it, deep in causes. */
function refusal(abi: Abi, errorName: string, args: unknown[]): BaseError {
  const data = encodeErrorResult({ abi, errorName, args })
  return new BaseError('outer', { cause: new ContractFunctionRevertedError({ abi, data, functionName: 'register' }) })
}

describe('the chain', () => {
  test('a refusal is its sentence', () => {
    const error = explain(refusal(serverRegistryAbi, 'ServerRegistry_EndpointTaken', [7, `0x${'00'.repeat(32)}`, 3]), rpcUrl)
    expect(error).toMatchObject({ exitCode: 3, code: 'endpoint_taken' })
    expect(error.message).toBe('Server 3 of neighborhood 7 has this endpoint already: choose another --endpoint.')
  })

  test('every error of the registries has a sentence that says what to do', () => {
    const errors = [...serverRegistryAbi, ...neighborhoodRegistryAbi, ...complianceRegistryAbi].flatMap((item) =>
      item.type === 'error' && /_/.test(item.name) ? [item] : [],
    )
    expect(errors.length).toBeGreaterThan(60)
    expect(new Set(explainedRefusals.filter((name) => /_/.test(name)))).toEqual(new Set(errors.map(({ name }) => name)))
    for (const item of errors) {
      const args = item.inputs.map(({ type }) =>
        type === 'string' ? 'text' : type === 'bytes32' ? zeroHash : type === 'address' ? zeroAddress : 1,
      )
      const { code, message, exitCode } = explain(refusal([item], item.name, args), rpcUrl)
      expect(exitCode).toBe(3)
      expect(code).toMatch(/^[a-z_]+$/)
      expect(message).toMatch(/^[^\n]+: [^\n]+\.$/)
      expect(message).not.toMatch(/undefined|NaN|Invalid Date/)
    }
  })

  test('an error without a sentence keeps its name', () => {
    const abi: Abi = [{ type: 'error', name: 'Strange', inputs: [] }]
    expect(explain(refusal(abi, 'Strange', []), rpcUrl)).toMatchObject({
      exitCode: 3,
      code: 'reverted',
      message: expect.stringContaining('Strange'),
    })
  })

  test('silence and waiting', () => {
    const silent = new HttpRequestError({ url: rpcUrl, details: 'fetch failed' })
    expect(explain(silent, rpcUrl)).toMatchObject({ exitCode: 5, code: 'chain_unreachable', message: expect.stringContaining(rpcUrl) })
    expect(explain(new WaitForTransactionReceiptTimeoutError({ hash: '0x12' }), rpcUrl)).toMatchObject({ exitCode: 75, code: 'pending' })
  })
})

describe('other ends', () => {
  test('Ctrl-C at a prompt', () => {
    expect(explain(Object.assign(new Error('force closed'), { name: 'ExitPromptError' }))).toMatchObject({ exitCode: 130 })
  })

  test('errors of the SDK by their codes', () => {
    const client = (code: string) => explain(Object.assign(new Error('It failed'), { name: 'DredClientError', code }))
    expect(client('no_servers')).toMatchObject({ exitCode: 5, code: 'no_servers' })
    expect(client('invalid_signature').exitCode).toBe(4)
    expect(client('malformed_cursor').exitCode).toBe(2)
    expect(client('channel_expired').exitCode).toBe(1)
  })

  test.each([
    [
      'Parsing --limit \n\tExpected an integer greater than or equal to 1 but received: 0',
      '--limit has to be an integer greater than or equal to 1, not 0',
    ],
    ['Expected --type=foo to be one of: wallet, server', '--type has to be one of wallet, server, not foo'],
    ['Missing 1 required arg:\nchannel  Id of the channel', 'The argument channel is missing (Id of the channel)'],
    [
      'The following error occurred:\n  --after=c cannot also be provided when using --last',
      '--after cannot be given together with --last',
    ],
    ['Nonexistent flag: --sped', 'There is no flag --sped'],
  ])('%j of the parser is a sentence', (message, sentence) => {
    const error = explain(Object.assign(new Error(`${message}\nSee more help with --help`), { oclif: { exit: 2 } }))
    expect(error).toMatchObject({ exitCode: 2, code: 'usage', message: `${sentence}: see --help.` })
  })

  test('the unforeseen is one line', () => {
    expect(explain(new Error('a\n  b'))).toMatchObject({ exitCode: 1, code: 'internal', message: 'a b' })
    expect(explain('thrown text').message).toContain('thrown text')
  })
})

test('global flags may come first', () => {
  expect(globalFlagsLast(['--config', 'a.toml', '--json', 'neighborhood', 'list'])).toEqual([
    'neighborhood',
    'list',
    '--config',
    'a.toml',
    '--json',
  ])
  expect(globalFlagsLast(['--config=a', 'channel', 'send', '--', '--json'])).toEqual(['channel', 'send', '--config=a', '--', '--json'])
  expect(globalFlagsLast(['--help'])).toEqual(['--help'])
})

test('suggestions are near or none', () => {
  expect(suggest('nieghborhood', ['neighborhood', 'wallet'])).toBe('neighborhood')
  expect(suggest('xyz', ['neighborhood', 'wallet'])).toBeUndefined()
  expect(suggest('server.keyfile', ['server.keyFile', 'server.host'])).toBe('server.keyFile')
  expect(suggest('server.foo', ['server.keyFile', 'server.host'])).toBeUndefined()
})

test('amounts, durations and ids', () => {
  expect(parseAmount('12.5', 18, 'stake')).toBe(125n * 10n ** 17n)
  expect(formatAmount(125n * 10n ** 17n, { decimals: 18, symbol: 'DRED' })).toBe('12.5 DRED')
  for (const bad of ['', '-1', '1e3', '0.1234567', '1,5', '.5']) expect(() => parseAmount(bad, 6, 'stake')).toThrow('--stake')
  expect(parseDuration('7d', 'unbonding')).toBe(604_800)
  expect(parseDuration('90', 'unbonding')).toBe(90)
  for (const bad of ['', '7w', '-1d', '1.5h']) expect(() => parseDuration(bad, 'unbonding')).toThrow('--unbonding')
  expect(parseId('4294967295', 'The id')).toBe(4_294_967_295)
  for (const bad of ['0', '01', '4294967296', 'a', '1.0']) expect(() => parseId(bad, 'The id')).toThrow('The id')
})
