// Writes docs/protocol/errors.md from the table that the server uses. `--check` fails when the committed page differs.
import { readFileSync, writeFileSync } from 'node:fs'
import { errors } from '@dred/protocol'

const file = new URL('../docs/protocol/errors.md', import.meta.url)
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

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== page) {
    process.stderr.write('docs/protocol/errors.md is not what the table says: run node scripts/errors-doc.mjs\n')
    process.exit(1)
  }
} else {
  writeFileSync(file, page)
}
