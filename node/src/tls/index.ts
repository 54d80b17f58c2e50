import type { Log } from '../log.ts'
import { StartupError } from '../startup-error.ts'
import { messageOf } from '../thrown.ts'
import type { AcmeConfig } from './acme-config.ts'
import { CertificateFiles } from './certificate-files.ts'
import type { TlsConfig } from './config.ts'

/**
 * The certificate of the files, which is ordered where that is asked for.
 * @throws StartupError `config` when there is none that can be used
 */
export async function openCertificates(files: TlsConfig, acme: AcmeConfig | undefined, log: Log): Promise<CertificateFiles> {
  if (!acme) return CertificateFiles.open({ files, log })
  const { AcmeRenewal } = await import('./acme.ts')
  let opened: CertificateFiles | undefined
  const renewal = await AcmeRenewal.start({ acme, files, log, renewed: () => void opened?.look() }).catch((cause: unknown) => {
    throw new StartupError('config', `No TLS certificate was given by ${acme.directoryUrl}: ${messageOf(cause)}`, cause)
  })
  opened = await CertificateFiles.open({ files, log, with: renewal }).catch(async (error: unknown) => {
    await renewal.close()
    throw error
  })
  return opened
}
