import { describe, expect, test } from 'vitest'
import { DeploymentError, deployments, parseDeployment } from './deployments.ts'

const address = (digit: string) => `0x${digit.repeat(40)}`
const file = {
  chainId: 11_155_111,
  name: 'Sepolia',
  startBlock: 7_000_000,
  neighborhoodRegistry: address('1'),
  serverRegistry: address('A'),
  complianceRegistry: address('3'),
  discovery: ['https://discovery.example', 'http://127.0.0.1:42069/dred'],
}

function problemsOf(json: unknown): readonly string[] {
  try {
    parseDeployment(json)
  } catch (error) {
    if (error instanceof DeploymentError) return error.problems
    throw error
  }
  throw new Error('it was taken')
}

describe('parseDeployment', () => {
  test('takes a whole file, and one with the registries only', () => {
    expect(parseDeployment(file)).toStrictEqual(file)
    const { name: _name, discovery: _discovery, ...least } = file
    expect(parseDeployment(least)).toStrictEqual(least)
    const local = { ...least, stakeToken: address('4') }
    expect(parseDeployment(local)).toStrictEqual(local)
  })

  test('leaves out fields that it does not know', () => {
    expect(parseDeployment({ ...file, revenueVault: address('5') })).toStrictEqual(file)
  })

  test('names all problems at once', () => {
    expect(problemsOf({ chainId: '1', startBlock: -1, neighborhoodRegistry: address('1'), serverRegistry: '0x12', name: '' })).toEqual([
      'chainId is not a positive integer',
      'name is not a text',
      'startBlock is not a block number',
      'serverRegistry is not an address: 0x and 40 hexadecimal digits, not all zero',
      'complianceRegistry is missing: an address: 0x and 40 hexadecimal digits, not all zero',
    ])
  })

  test.each([
    ['stakeToken', address('0'), 'stakeToken is not an address'],
    ['discovery', 'https://discovery.example', 'discovery is not a list of http or https URLs'],
    ['discovery', ['ftp://discovery.example'], 'discovery is not a list of http or https URLs'],
    ['discovery', ['https://discovery.example/?key=1'], 'discovery is not a list of http or https URLs'],
    ['chainId', 0, 'chainId is not a positive integer'],
    ['chainId', 1.5, 'chainId is not a positive integer'],
    ['startBlock', 2 ** 53, 'startBlock is not a block number'],
    ['complianceRegistry', address('a'), 'two of its contracts have the same address'],
  ])('refuses %s %j', (field, value, problem) => {
    expect(problemsOf({ ...file, [field]: value })).toEqual([expect.stringContaining(problem)])
  })

  test.each([null, [], 'text', 1, undefined])('refuses %j', (json) => {
    expect(problemsOf(json)).toEqual(['it is not a JSON object'])
  })
})

test('every known deployment is valid and under its own chain id', () => {
  for (const [chainId, deployment] of Object.entries(deployments)) {
    expect(parseDeployment(deployment)).toEqual(deployment)
    expect(deployment.chainId).toBe(Number(chainId))
  }
})
