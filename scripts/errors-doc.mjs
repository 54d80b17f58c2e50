// Writes docs/protocol/errors.md from the table that the server uses. `--check` fails when the committed page differs.
import { errors } from '@dred/protocol'
import { generated } from './generated.mjs'

const rows = Object.entries(errors).map(
  ([code, { status, retryable, title }]) => `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title} |`,
)
const page = `# Errors

Generated from \`protocol/src/errors.ts\` by \`node scripts/errors-doc.mjs\`.

Every error is an [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem document, \`application/problem+json\`:

\`\`\`json
{ "type": "/problems/invalid_signature", "title": "The signature does not verify", "status": 401, "code": "invalid_signature", "retryable": false, "requestId": "…" }
\`\`\`

\`type\` is an address on the same server that explains the problem. \`retryable\` says whether the very same request may succeed later, here or
on another server. \`detail\` says more where there is more to say; \`cursor_expired\` carries \`oldest\`.

| code | status | retryable | meaning |
|---|---|---|---|
${rows.join('\n')}
`

generated('docs/protocol/errors.md', page)
