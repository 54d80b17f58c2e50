import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { peerFolder } from './systems/peers.ts'

const folders = { peers: peerFolder, p2p: join(peerFolder, 'p2p') }

/** Installs the peers' npm packages from their own lock files, once. What cannot be installed is told of when it is to be started. */
export function installPeers({ p2p, progress }: { p2p: boolean; progress: (text: string) => void }): void {
  for (const folder of p2p ? [folders.peers, folders.p2p] : [folders.peers]) {
    const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8')
    const stamp = join(folder, 'node_modules', '.dred-install')
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) continue
    progress(`Installing what Dred is compared with, in ${folder} (once) …`)
    const { status, stderr } = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--ignore-scripts'], { cwd: folder, encoding: 'utf8' })
    if (status === 0) writeFileSync(stamp, lock)
    else progress(`npm ci in ${folder} failed: ${stderr.trim().split('\n').slice(-3).join(' ')}`)
  }
}
