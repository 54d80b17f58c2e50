/** Version of the HTTP API: every answer names it in `versionHeader`, and a request that names another one is refused. */
export const apiVersion = '1'

export const versionHeader = 'dred-version'
