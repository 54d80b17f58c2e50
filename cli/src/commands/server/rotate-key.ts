import { serverRegistryAbi } from '@dred/contracts'
import { Flags } from '@oclif/core'
import { parseEventLogs } from 'viem'
import { askText } from '../../ask.ts'
import { chainFlags, discoveryFlags, serverKeyFlags, walletFlags } from '../../flags.ts'
import { serverArgs, ServerCommand, serverFlags } from '../../server-command.ts'
import { connect } from '../../services/chain.ts'
import { walletOf } from '../../services/keystore.ts'
import { openP256Key, serverKeyPassphrase } from '../../services/server-key.ts'
import { rotationCall } from '../../services/server-calls.ts'
import { parseDuration, time } from '../../units.ts'

export default class ServerRotateKey extends ServerCommand<typeof ServerRotateKey> {
  static override summary = 'Give a server another key'
  static override description =
    `By the operator's wallet. The new key counts at once, the old one is accepted until the overlap ends: restart the server with the new
key before. After a theft give --overlap 0. Make the key with dred keys new --type server.`
  static override examples = ['<%= config.bin %> server rotate-key 3 --new-key-file next.pem --overlap 12h']
  static override args = serverArgs
  static override flags = {
    ...serverFlags,
    'new-key-file': Flags.string({ description: 'File of the new P-256 key, PKCS#8 PEM', helpValue: 'FILE' }),
    overlap: Flags.string({ description: 'How long the old key is still accepted; as long as the neighborhood allows by default' }),
    'key-passphrase-file': serverKeyFlags['key-passphrase-file'],
    ...walletFlags,
    ...discoveryFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const id = await this.serverId(this.args.server ?? this.flags.server)
    const file = await askText(this.flags['new-key-file'], { flag: 'new-key-file', what: 'the file of the new key' })
    const overlapSeconds = this.flags.overlap === undefined ? undefined : parseDuration(this.flags.overlap, 'overlap')
    const key = await openP256Key(file, await serverKeyPassphrase(this.settings))
    const account = await walletOf(this.settings)
    const deployed = await connect(this.settings)
    const call = await rotationCall(deployed, id, { operator: account.address, key, overlapSeconds })
    const sent = await this.send(deployed, account, call)
    const [event] = parseEventLogs({ abi: serverRegistryAbi, eventName: 'KeyRotated', logs: sent.receipt.logs })
    const { oldKeyId = '', acceptedUntil = 0 } = event?.args ?? {}
    const document = { server: id, keyId: key.keyId, oldKeyId: oldKeyId.toLowerCase(), oldKeyAcceptedUntil: acceptedUntil }
    this.finish(
      sent,
      document,
      () =>
        `Server ${id} has the key ${key.keyId}. Restart it with ${file} before ${time(acceptedUntil)}: until then the old key is accepted.`,
    )
  }
}
