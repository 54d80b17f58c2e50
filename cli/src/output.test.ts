import { expect, test } from 'vitest'
import { CliError } from './errors.ts'
import { fields, Output, table } from './output.ts'

function capture(json: boolean) {
  const written = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof written) => ({ write: (text: string) => (written[name] += text) })
  return { written, output: new Output(json, { stdout: stream('stdout'), stderr: stream('stderr') }) }
}

test('with json stdout carries one document, everything else goes to stderr', () => {
  const { written, output } = capture(true)
  output.note('working')
  output.result({ amount: 10n ** 20n, id: 1 }, () => 'not shown')
  output.note('done')
  expect(JSON.parse(written.stdout)).toEqual({ amount: '100000000000000000000', id: 1 })
  expect(written.stderr).toBe('working\ndone\n')
})

test('without json stdout carries what people read', () => {
  const { written, output } = capture(false)
  output.result({ id: 1 }, () => 'one')
  expect(written.stdout).toBe('one\n')
})

test('items are one document a line', () => {
  const { written, output } = capture(true)
  output.item({ text: 'a\nb' }, () => '')
  output.item({ text: 'c' }, () => '')
  expect(
    written.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([{ text: 'a\nb' }, { text: 'c' }])
})

test('an error is a sentence on stderr, and with json a document on stdout', () => {
  const error = new CliError('reverted', 'stake_too_low', 'Raise --stake.')
  const human = capture(false)
  human.output.error(error)
  expect(human.written).toEqual({ stdout: '', stderr: 'Raise --stake.\n' })
  const machine = capture(true)
  machine.output.error(error)
  expect(machine.written.stderr).toBe('Raise --stake.\n')
  expect(JSON.parse(machine.written.stdout)).toEqual({ error: { code: 'stake_too_low', message: 'Raise --stake.' } })
})

test('an error behind a result does not spoil the one document', () => {
  const { written, output } = capture(true)
  output.result({ lost: 1 }, () => '')
  output.error(new CliError('failure', 'messages_lost', 'Lost.'))
  expect(JSON.parse(written.stdout)).toEqual({ lost: 1 })
})

test('columns align, colours do not count', () => {
  expect(
    table(
      ['ID', 'NAME'],
      [
        ['1', 'a'],
        ['200', '\u001b[31mb\u001b[0m'],
      ],
    ),
  ).toBe('ID   NAME\n1    a\n200  \u001b[31mb\u001b[0m')
  expect(
    fields([
      ['a', '1'],
      ['long', '2'],
    ]),
  ).toBe('a     1\nlong  2')
})
