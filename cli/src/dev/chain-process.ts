// The chain of `dred dev`, a process of its own. Argument: the port. Its first line on stdout says where it listens.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LOCAL_CHAIN_ID } from './chain-id.ts'
import { onParentGone } from './child.ts'

async function main(): Promise<void> {
  const { createHardhatRuntimeEnvironment } = await importHardhat()
  const hre = await createHardhatRuntimeEnvironment(
    {
      networks: {
        chain: {
          type: 'edr-simulated',
          chainType: 'l1',
          chainId: LOCAL_CHAIN_ID,
          hardfork: 'osaka',
          accounts: [],
          mining: { auto: true, interval: 0 },
        },
      },
    },
    {},
    dirname(fileURLToPath(import.meta.url)),
  )
  const server = await hre.network.createServer('chain', '127.0.0.1', Number(process.argv[2] ?? 0))
  const { address, port } = await server.listen()
  const stop = () => {
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  onParentGone(stop)
  process.on('SIGTERM', stop)
  process.stdout.write(`${JSON.stringify({ rpcUrl: `http://${address}:${port}`, chainId: LOCAL_CHAIN_ID })}\n`)
}

async function importHardhat() {
  try {
    return await import('hardhat/hre')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new Error('The local chain needs the package hardhat: run `npm install` in the checkout of Dred.', { cause: error })
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1)
})
