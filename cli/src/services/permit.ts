import {
  type Address,
  domainSeparator,
  erc20Abi,
  type Hex,
  parseAbi,
  parseSignature,
  type PrivateKeyAccount,
  type PublicClient,
} from 'viem'

const permitAbi = parseAbi([
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function nonces(address owner) view returns (uint256)',
  'function version() view returns (string)',
])

interface PermitDomain {
  name: string
  version: string
  chainId: number
  verifyingContract: Address
}

/** A permit as the server registry takes it. */
export interface StakePermit {
  deadline: bigint
  v: number
  r: Hex
  s: Hex
}

const permitTypes = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const

/**
 * The EIP-712 domain of a token's ERC-2612 permits.
 * @returns undefined when the token takes none, or only of another form
 */
export async function permitDomainOf(client: PublicClient, token: Address, chainId: number): Promise<PermitDomain | undefined> {
  const call = { address: token, abi: permitAbi } as const
  const [separator, name, version] = await Promise.all([
    orUndefined(client.readContract({ ...call, functionName: 'DOMAIN_SEPARATOR' })),
    orUndefined(client.readContract({ address: token, abi: erc20Abi, functionName: 'name' })),
    orUndefined(client.readContract({ ...call, functionName: 'version' })),
  ])
  if (separator === undefined || name === undefined) return undefined
  const domain = { name, version: version ?? '1', chainId, verifyingContract: token }
  // A token that names itself otherwise in its domain would refuse the permit.
  return domainSeparator({ domain }) === separator ? domain : undefined
}

/** Signs a permit of exactly the amount. */
export async function signPermit(
  client: PublicClient,
  owner: PrivateKeyAccount,
  permit: { domain: PermitDomain; spender: Address; amount: bigint; deadline: bigint },
): Promise<StakePermit> {
  const { domain, spender, amount, deadline } = permit
  const nonce = await client.readContract({
    address: domain.verifyingContract,
    abi: permitAbi,
    functionName: 'nonces',
    args: [owner.address],
  })
  const message = { owner: owner.address, spender, value: amount, nonce, deadline }
  const { r, s, yParity } = parseSignature(await owner.signTypedData({ domain, types: permitTypes, primaryType: 'Permit', message }))
  return { deadline, v: 27 + yParity, r, s }
}

/** A token that lacks a function is one without permits; a chain that does not answer is said by the steps that follow. */
function orUndefined<T>(value: Promise<T>): Promise<T | undefined> {
  return value.catch(() => undefined)
}
