/** What the processes of one server say to each other. Nothing is kept: whoever is away misses it. */
export interface Bus {
  /** To all other processes, not to this one. */
  publish(topic: string, text: string): void
  /** @returns the way to stop it */
  subscribe(topic: string, listener: (text: string) => void): () => void
  /**
   * Called when this process hears the others again after it may have missed something; lacking where nothing is ever missed.
   * @returns the way to stop it
   */
  onReturn?(listener: () => void): () => void
}

/** Of a server that is one process. */
export const noBus: Bus = { publish: () => undefined, subscribe: () => () => undefined }
