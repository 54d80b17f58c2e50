import { resolve } from 'node:path'
import { Flags } from '@oclif/core'
import { askChoice } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { ownKeyFile } from '../../config.ts'
import { serverKeyFlags, walletFlags } from '../../flags.ts'
import { createDeviceKeyFile } from '../../services/device-key.ts'
import { passwordOf } from '../../services/passwords.ts'
import { createServerKey, serverKeyPassphrase } from '../../services/server-key.ts'

const types = ['wallet', 'server', 'attester', 'device'] as const

export default class KeysNew extends BaseCommand<typeof KeysNew> {
  static override summary = 'Make a key and write it to a file that only you may read'
  static override description =
    `A wallet key (Web3 Secret Storage, version 3) pays and registers; a server key (P-256, PKCS#8 PEM) is a server's identity;
an attester key (P-256 too) signs attestations; a device key (Ed25519, PKCS#8 PEM) signs messages.`
  static override examples = [
    '<%= config.bin %> keys new --type server --out relay.pem',
    '<%= config.bin %> keys new --type wallet --out operator.json --password-file password.txt',
  ]
  static override flags = {
    type: Flags.option({ options: types, description: 'What the key is for' })(),
    out: Flags.string({ description: 'File to write; keys/<type>.json or .pem in the user configuration by default', helpValue: 'FILE' }),
    'password-file': walletFlags['password-file'],
    'key-passphrase-file': serverKeyFlags['key-passphrase-file'],
  }

  async run(): Promise<void> {
    const type = await askChoice(this.flags.type, types, { flag: 'type', what: 'what the key is for (wallet, server, attester or device)' })
    const file = resolve(this.flags.out ?? ownKeyFile(type))
    const publicPart = await this.#create(type, file)
    this.output.result({ type, file, ...publicPart }, () => [...Object.values(publicPart).slice(0, 1), `Written to ${file}.`].join('\n'))
  }

  async #create(type: (typeof types)[number], file: string): Promise<Record<string, string>> {
    switch (type) {
      case 'wallet': {
        const password = await passwordOf(this.settings, { confirm: true, what: 'a password for the new wallet' })
        const { createWalletFile } = await import('../../services/keystore.ts')
        return { address: await createWalletFile(file, password) }
      }
      case 'attester':
      case 'server': {
        const { keyId, keyX, keyY } = await createServerKey(file, await serverKeyPassphrase(this.settings))
        return { keyId, keyX, keyY }
      }
      case 'device':
        return { key: await createDeviceKeyFile(file) }
    }
  }
}
