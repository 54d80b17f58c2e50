import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Deployment, DeploymentError, deployments, parseDeployment } from '@dred/contracts/deployments'
import { CliError } from './errors.ts'

/**
 * A known deployment by its name or chain id, or one from a JSON file.
 * @param base folder that a file name is relative to
 * @throws CliError `deployment_invalid` with every problem of the file
 */
export function readDeployment(name: string, base: string): Deployment {
  const known = Object.values(deployments)
  const found = known.find((deployment) => deployment.name === name || String(deployment.chainId) === name)
  if (found) return found
  const invalid = (message: string, cause: unknown) => new CliError('usage', 'deployment_invalid', { message, cause })
  let text: string
  try {
    text = readFileSync(resolve(base, name), 'utf8')
  } catch (cause) {
    const names = known.map((deployment) => deployment.name ?? deployment.chainId).join(', ')
    throw invalid(
      `${name} is neither a known deployment (${names || 'there is none yet'}) nor a file that can be read: check --deployment.`,
      cause,
    )
  }
  try {
    return parseDeployment(JSON.parse(text))
  } catch (cause) {
    const problems = cause instanceof DeploymentError ? cause.problems.join('; ') : 'it is not JSON'
    throw invalid(`${name} is not a deployment (${problems}): check --deployment.`, cause)
  }
}
