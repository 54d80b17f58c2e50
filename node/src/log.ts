/** The part of a pino logger that the parts of the server use. Fields never hold secrets or messages' contents. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
