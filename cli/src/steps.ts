import { Listr, ListrLogger, type ListrTask, ProcessOutput } from 'listr2'

export interface Step {
  title: string
  /** @returns what to say behind the title once done, if anything */
  run: () => Promise<string | void>
}

/**
 * Runs steps with progress on stderr: animated on a terminal, one line per event elsewhere. The first failure ends the run.
 * @throws what a step throws
 */
export async function runSteps(steps: Step[], options: { concurrent?: boolean } = {}): Promise<void> {
  let failure: { error: unknown } | undefined
  const tasks: ListrTask[] = steps.map((step) => ({
    title: step.title,
    task: async (_, task) => {
      try {
        const detail = await step.run()
        if (detail) task.title = `${step.title}: ${detail}`
      } catch (error) {
        // Steps that only fail with an earlier one have nothing to add.
        if (failure) return task.skip()
        failure = { error }
        // The command ends with the sentence; the list shows where.
        throw new Error('see below', { cause: error })
      }
    },
  }))
  const processOutput = new ProcessOutput(process.stderr, process.stderr, { leaveEmptyLine: false })
  const common = { concurrent: options.concurrent ?? false, registerSignalListeners: false, exitOnError: true }
  // listr2 animates only when stdout is a terminal too; what it falls back to would write there.
  const animated = process.stderr.isTTY && process.stdout.isTTY
  const logger = new ListrLogger({ useIcons: animated !== true, processOutput })
  const list = animated
    ? new Listr(tasks, { ...common, renderer: 'default', rendererOptions: { logger, collapseErrors: false, showErrorMessage: false } })
    : new Listr(tasks, { ...common, renderer: 'simple', rendererOptions: { logger } })
  await list.run().catch((error: unknown) => {
    throw failure ? failure.error : error
  })
}
