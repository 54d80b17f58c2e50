import { devTokenAbi, devTokenBytecode } from '@dred/contracts'
import {
  type Abi,
  type Address,
  concat,
  encodeDeployData,
  getAddress,
  getContractAddress,
  type Hex,
  keccak256,
  serializeErc6492Signature,
  zeroHash,
} from 'viem'
import type { Chain, Wallet } from '../../../../test/fixtures/chain.ts'
import { compileContracts } from './contracts.ts'

/** What signs as a wallet does. */
export interface TestWallet {
  /** With checksum. */
  address: Address
  sign: (text: string) => Promise<Hex>
}

/** Tokens and wallets on a chain. */
export interface Contracts {
  /** ERC-20. */
  token: Address
  /** ERC-721. */
  nft: Address
  mint: (token: 'token' | 'nft', to: Address, amountOrId: bigint) => Promise<void>
  /** Of an account's key. */
  account: TestWallet
  /** A contract with the account as its owner (ERC-1271). */
  contract: TestWallet
  /** Another one, that is not deployed (ERC-6492). */
  undeployed: TestWallet
}

/** Deploys by CREATE2 what follows the 32 bytes of a salt. */
const FACTORY =
  '0x604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3'

export async function deployContracts(chain: Chain): Promise<Contracts> {
  const deployer = chain.wallet(0)
  const owner = chain.wallet(1)
  const { ContractWallet, GateNft } = compileContracts()
  const deploy = async (contract: { abi: Abi; bytecode: Hex; args?: unknown[] }): Promise<Address> => deployed(deployer, contract)
  const token = await deploy({ abi: devTokenAbi, bytecode: devTokenBytecode })
  const nft = await deploy(GateNft)
  const factory = await deploy({ abi: [], bytecode: FACTORY })
  const contract = await deploy({ ...ContractWallet, args: [owner.account.address] })
  const code = encodeDeployData({ ...ContractWallet, args: [owner.account.address] })
  const sign = (text: string): Promise<Hex> => owner.signMessage({ message: text })
  return {
    token,
    nft,
    mint: async (which, to, amount) => {
      const args = [to, amount]
      await deployer.writeContract({ address: which === 'token' ? token : nft, abi: GateNft.abi, functionName: 'mint', args })
    },
    account: { address: owner.account.address, sign },
    contract: { address: contract, sign },
    undeployed: {
      address: getContractAddress({ opcode: 'CREATE2', from: factory, salt: zeroHash, bytecodeHash: keccak256(code) }),
      sign: async (text) => serializeErc6492Signature({ address: factory, data: concat([zeroHash, code]), signature: await sign(text) }),
    },
  }
}

async function deployed(deployer: Wallet, { abi, bytecode, args = [] }: { abi: Abi; bytecode: Hex; args?: unknown[] }): Promise<Address> {
  const hash = await deployer.deployContract({ abi, bytecode, args })
  const { contractAddress } = await deployer.waitForTransactionReceipt({ hash })
  if (!contractAddress) throw new Error('not a deployment')
  return getAddress(contractAddress)
}
