// Writes docs/contracts/reference.md from the NatSpec of the interfaces and types, as the compiler read them in `hardhat build`.
// With --check it writes nothing and exits 1 when the page is not what the sources give. A part without NatSpec is an error:
// - a function, event, error, struct or enum has a notice;
// - a function's parameter has a @param, a named return value a @return; a single unnamed one is what the notice says;
// - a field of a struct has a @param;
// - a parameter of an event or error has a @param, or one for the whole interface, `@custom:param`.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const page = join('docs', 'contracts', 'reference.md')
const interfaces = ['INeighborhoodRegistry', 'IServerRegistry', 'IComplianceRegistry']
const types = ['Neighborhoods', 'Servers', 'Rounds', 'Statements']
const kinds = { FunctionDefinition: 'function', EventDefinition: 'event', ErrorDefinition: 'error' }

const problems = []

/** The compiler's syntax trees of the build that the interfaces' artifacts come from, by file below contracts/src. */
function syntaxTrees() {
  const name = interfaces.at(-1)
  const artifact = join(root, 'artifacts', 'contracts', 'src', 'interfaces', `${name}.sol`, `${name}.json`)
  if (!existsSync(artifact)) throw new Error('There are no artifacts: run `npm run contracts:build` first.')
  const { buildInfoId } = JSON.parse(readFileSync(artifact, 'utf8'))
  const { output } = JSON.parse(readFileSync(join(root, 'artifacts', 'build-info', `${buildInfoId}.output.json`), 'utf8'))
  return (file) => output.sources[`project/contracts/src/${file}`].ast.nodes
}

/**
 * The tags of a NatSpec comment; text without a tag is the notice.
 * @returns {{ notice: string, dev: string, title: string, params: Map<string, string>, returns: string[], shared: Map<string, string> }}
 */
function natspec(node) {
  const tags = { notice: '', dev: '', title: '', params: new Map(), returns: [], shared: new Map() }
  for (const part of (node.documentation?.text ?? '').split(/^\s*(?=@)/m)) {
    const [, tag = 'notice', text = ''] = /^(?:@(\S+))?\s*([\s\S]*)$/.exec(part) ?? []
    const [, name, rest] = /^(\S*)\s*([\s\S]*)$/.exec(text) ?? []
    if (tag === 'param') tags.params.set(name, unwrap(rest))
    else if (tag === 'custom:param') tags.shared.set(name, unwrap(rest))
    else if (tag === 'return') tags.returns.push(unwrap(text))
    else if (tag in tags && text.trim()) tags[tag] = unwrap(text)
  }
  return tags
}

/** Lines as paragraphs. */
function unwrap(text) {
  const paragraphs = text.trim().split(/\n\s*\n/)
  return paragraphs.map((paragraph) => paragraph.split(/\s*\n\s*/).join(' ')).join('\n\n')
}

const inCell = (text) => text.replaceAll('\n\n', ' ').replaceAll('|', '\\|')
const typeOf = ({ typeDescriptions }) =>
  typeDescriptions.typeString.replace(/^(struct|enum|contract) (\w+\.)?|(?<=\w)\s(memory|calldata)/g, '')
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1)
const list = (entries) => entries.map(([name, text]) => `- \`${name}\`: ${inCell(text)}`)

function noticeOf(what, { notice }) {
  if (!notice) problems.push(`${what} has no notice`)
  return notice
}

/** A function, event or error; `shared` says what parameters mean in the whole interface. */
function member(what, node, { shared, used }) {
  const tags = natspec(node)
  const isFunction = node.nodeType === 'FunctionDefinition'
  const described = node.parameters.parameters.map((parameter) => {
    const own = tags.params.get(parameter.name)
    const text = own ?? (isFunction ? undefined : shared.get(parameter.name))
    if (own === undefined && text !== undefined) used.add(parameter.name)
    if (!text) problems.push(`${what} does not say what its parameter ${parameter.name} is`)
    return [parameter.name, text ?? '']
  })
  const results = node.returnParameters?.parameters ?? []
  const explained = results.length === 1 && !results[0].name && tags.returns.length === 0
  if (!explained && tags.returns.length !== results.length) problems.push(`${what} does not say what it returns`)
  const returned = explained
    ? []
    : tags.returns.map((text, i) => {
        const name = results[i]?.name
        return name ? `- returns \`${name}\`: ${text.slice(name.length).trim()}` : `- returns ${text}`
      })

  const argument = (parameter) => [typeOf(parameter), parameter.indexed ? 'indexed' : '', parameter.name].filter(Boolean).join(' ')
  const answer = results.length > 0 ? ` → (${results.map(argument).join(', ')})` : ''
  const mutability = isFunction && ['view', 'pure'].includes(node.stateMutability) ? ` ${node.stateMutability}` : ''
  const selector = node.functionSelector ?? node.errorSelector
  const lines = [
    `#### ${node.name}`,
    `\`${node.name}(${node.parameters.parameters.map(argument).join(', ')})${mutability}${answer}\`${selector ? ` · \`0x${selector}\`` : ''}`,
    [noticeOf(what, tags), tags.dev].filter(Boolean).join('\n\n'),
    [...list(described), ...returned].join('\n'),
  ]
  return lines.filter(Boolean).join('\n\n')
}

function contractSection(name, nodes) {
  const contract = nodes.find((node) => node.nodeType === 'ContractDefinition')
  const tags = natspec(contract)
  const used = new Set()
  const sections = Object.entries(kinds).map(([nodeType, kind]) => {
    const members = contract.nodes.filter((node) => node.nodeType === nodeType)
    const texts = members.map((node) => member(`${name}.${node.name}`, node, { shared: tags.shared, used }))
    return [`### ${capital(kind)}s of ${name}`, ...texts].join('\n\n')
  })
  for (const parameter of tags.shared.keys()) if (!used.has(parameter)) problems.push(`${name} explains ${parameter}, which nothing uses`)
  return [`## ${name}`, `${tags.title}. ${noticeOf(name, tags)}`, ...sections].join('\n\n')
}

function typeSection(node) {
  const tags = natspec(node)
  const notice = noticeOf(node.name, tags)
  if (node.nodeType === 'EnumDefinition') {
    return [`### ${node.name}`, node.members.map(({ name }, i) => `${i} \`${name}\``).join(' · '), notice].join('\n\n')
  }
  const rows = node.members.map((field) => {
    const text = tags.params.get(field.name)
    if (!text) problems.push(`${node.name} does not say what its field ${field.name} is`)
    return `| \`${field.name}\` | \`${typeOf(field)}\` | ${inCell(text ?? '')} |`
  })
  return [`### ${node.name}`, notice, ['| field | type | |', '|---|---|---|', ...rows].join('\n')].join('\n\n')
}

function render() {
  const nodesOf = syntaxTrees()
  const contracts = interfaces.map((name) => contractSection(name, nodesOf(`interfaces/${name}.sol`)))
  const structs = types.flatMap((file) => nodesOf(`types/${file}.sol`).filter(({ nodeType }) => /^(Struct|Enum)Definition$/.test(nodeType)))
  return [
    '# The contracts, call by call',
    'Generated from the NatSpec of `contracts/src/interfaces` and `contracts/src/types` by `node scripts/contract-docs.mjs`.',
    `${[...interfaces, 'Types'].map((name) => `[${name}](#${name.toLowerCase()})`).join(' · ')}. After a signature stands its selector.`,
    ...contracts,
    '## Types',
    ...structs.map(typeSection),
    '',
  ].join('\n\n')
}

try {
  const text = render().replace(/\n+$/, '\n')
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const path = join(root, page)
  const current = existsSync(path) && readFileSync(path, 'utf8') === text
  if (process.argv.includes('--check')) {
    if (!current) throw new Error(`Out of date: ${page}. Run \`npm run contracts:build\` and commit the result.`)
  } else if (!current) {
    mkdirSync(join(root, 'docs', 'contracts'), { recursive: true })
    writeFileSync(path, text)
    console.error(`Wrote ${page}.`)
  }
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
