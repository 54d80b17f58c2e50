import { graphql } from 'ponder'
import { db } from 'ponder:api'
import schema from 'ponder:schema'
import { LOCAL_CHAIN_ID, parseEnvironment } from '../../environment.ts'
import { createChainReader } from '../../rpc.ts'
import { createApp } from './app.ts'
import { createChainGuard, localPolicy, publicPolicy } from './chain-guard.ts'
import { createStore } from './store.ts'

const { chainId, rpcUrl, startBlock } = parseEnvironment(process.env)
const local = chainId === LOCAL_CHAIN_ID
const chain = createChainReader(rpcUrl)

export default createApp({
  store: createStore(db, () => Math.floor(Date.now() / 1_000)),
  guard: createChainGuard({
    startBlock,
    blockHash: chain.blockHash,
    now: () => performance.now(),
    policy: local ? localPolicy : publicPolicy,
  }),
  chainTip: chain.blockNumber,
  chainId,
  cacheable: !local,
  graphql: graphql({ db, schema }, { maxOperationTokens: 1_000, maxOperationDepth: 20, maxOperationAliases: 30 }),
  report: (error) => process.stderr.write(`${error.stack ?? error.message}\n`),
})
