// `hardhat ignition deploy` against a chain whose URL is known only now: deploy.ts <rpc url> <folder> <module> [parameters]
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import { overrideTask } from 'hardhat/config'
import config from '../../../hardhat.config.ts'

const [url = '', directory = '', module = '', parameters] = process.argv.slice(2)
const root = join(import.meta.dirname, '..', '..', '..')

// Ignition keeps its journal beside its modules.
mkdirSync(directory, { recursive: true })
const modules = join(directory, 'modules')
if (!existsSync(modules)) symlinkSync(join(import.meta.dirname, '..', 'modules'), modules)

// Both profiles give the same, and the default one is what the other tests have built.
const build = overrideTask('build').setInlineAction((args, _hre, runSuper) => runSuper({ ...args, defaultBuildProfile: 'default' }))
const hre = await createHardhatRuntimeEnvironment(
  {
    ...config,
    paths: { ...config.paths, ignition: directory },
    networks: { chain: { type: 'http', chainType: 'l1', url, accounts: 'remote' } },
    ignition: { requiredConfirmations: 1, blockPollingInterval: 50 },
    tasks: [build.build()],
  },
  { network: 'chain' },
  root,
)
process.env.HARDHAT_IGNITION_CONFIRM_DEPLOYMENT = 'true'
await hre.tasks.getTask(['ignition', 'deploy']).run({ modulePath: join(modules, `${module}.ts`), ...(parameters ? { parameters } : {}) })
