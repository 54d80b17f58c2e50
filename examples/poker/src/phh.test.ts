import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { PhhError, parsePhh } from './phh.ts'

const file = await readFile(new URL('../hands.phhs', import.meta.url), 'utf8')

const single = `variant = 'NT'
antes = [0, 0, 0]
blinds_or_straddles = [1, 2, 0]
min_bet = 2
starting_stacks = [200, 200, 200]
actions = ['d dh p1 ????', 'd dh p2 ????', 'd dh p3 AcAs', 'p3 cbr 6 # a remark', 'p1 f', 'p2 f']
`

function problemsOf(text: string): readonly string[] {
  try {
    parsePhh(text)
  } catch (error) {
    if (error instanceof PhhError) return error.problems
    throw error
  }
  return []
}

describe('the recorded hands', () => {
  const tables = parsePhh(file)

  it('are of three tables, each with its hands in the order of play', () => {
    const shape = tables.map(({ name, hands }) => [name, hands.map(({ id, players, actions }) => [id, players.length, actions.length])])
    expect(shape).toEqual([
      [
        'CLEO AVE',
        [
          ['3017243630', 6, 12],
          ['3017246606', 5, 14],
          ['3017254774', 6, 24],
        ],
      ],
      [
        'NAURU HWY',
        [
          ['3017263190', 6, 21],
          ['3017265406', 6, 26],
        ],
      ],
      [
        'ORIOLE AVE',
        [
          ['3017249534', 2, 15],
          ['3017255090', 2, 16],
        ],
      ],
    ])
  })

  it('keep amounts, names, seats, winnings and times', () => {
    const [first, , third] = tables[0]?.hands ?? []
    expect(first).toMatchObject({
      players: expect.arrayContaining(['X+u4T/E5ANkyZLKm1YjqwQ']),
      seats: [3, 4, 5, 6, 1, 2],
      stacks: [2067.4, 1987.5, 1171, 1710.5, 2000, 1515],
      winnings: [0, 0, 37.5, 0, 0, 0],
      currency: '$',
      startMs: Date.UTC(2009, 6, 1, 0, 0, 26),
    })
    expect(third).toMatchObject({ winnings: undefined, startMs: Date.UTC(2009, 6, 1, 0, 2, 58) })
  })
})

describe('a file with one hand', () => {
  it('needs neither names nor a table nor a time', () => {
    expect(parsePhh(single)).toEqual([
      {
        name: 'Table',
        hands: [
          {
            id: '1',
            players: ['p1', 'p2', 'p3'],
            seats: [1, 2, 3],
            stacks: [200, 200, 200],
            antes: [0, 0, 0],
            blinds: [1, 2, 0],
            actions: ['d dh p1 ????', 'd dh p2 ????', 'd dh p3 AcAs', 'p3 cbr 6', 'p1 f', 'p2 f'],
            winnings: undefined,
            currency: '',
            startMs: undefined,
          },
        ],
      },
    ])
  })
})

describe('malformed files', () => {
  it('are refused with line and column when they are not TOML', () => {
    expect(problemsOf("variant = 'NT'\nantes = [0,, 0]\n")).toEqual([expect.stringMatching(/^line 2, column \d+: /)])
  })

  it('are refused when empty', () => {
    expect(problemsOf('')).toEqual(['the file has no hands'])
  })

  it.each([
    ['variant', "variant = 'NT'", "variant = 'PO'", 'variant: must be Texas hold\'em, NT or FT, is "PO"'],
    ['variant', "variant = 'NT'\n", '', 'variant: is missing'],
    ['antes', 'antes = [0, 0, 0]', 'antes = [0, 0]', 'antes: has 2 entries, starting_stacks has 3'],
    ['antes', 'antes = [0, 0, 0]', 'antes = 0', 'antes: must be a list of amounts with at most two decimals'],
    ['stacks', '[200, 200, 200]', '[200, -1, 200]', 'starting_stacks[2]: must be one of amounts with at most two decimals, is -1'],
    ['stacks', '[200, 200, 200]', '[200, 0.125, 200]', 'starting_stacks[2]: must be one of amounts with at most two decimals, is 0.125'],
    ['actions', "'p1 f'", "'p1 fold'", "actions[5]: 'p1 fold' is not an action of Texas hold'em"],
    ['actions', "'p1 f'", "'p4 f'", "actions[5]: 'p4 f' names player 4 of 3"],
    ['actions', "'p2 f'", "'p1 cc'", "actions[6]: 'p1 cc' is about player 1, who has folded"],
    ['actions', "'p3 cbr 6 # a remark'", "'p3 cbr 201'", "actions[4]: 'p3 cbr 201' bets 201 with 200 left"],
    ['actions', "'p3 cbr 6 # a remark'", "'p3 cbr 2'", "actions[4]: 'p3 cbr 2' bets 2 where 2 is to be called"],
    ['actions', "'p2 f']", 'true]', 'actions[6]: must be one of actions, is true'],
  ])('name the field %s', (...[, from, to, problem]) => {
    expect(single).toContain(from)
    expect(problemsOf(single.replace(from, to))).toEqual([problem])
  })

  it('name the hand too where there are many, and every fault at once', () => {
    const broken = file.replace('starting_stacks = [1975, 1196,', 'starting_stacks = [1196,').replace('time = 00:02:58', "time = '2:58'")
    expect(problemsOf(broken)).toEqual([
      'hand [2] players: has 5 entries, starting_stacks has 4',
      'hand [2] seats: has 5 entries, starting_stacks has 4',
      'hand [2] antes: has 5 entries, starting_stacks has 4',
      'hand [2] blinds_or_straddles: has 5 entries, starting_stacks has 4',
      'hand [2] winnings: has 5 entries, starting_stacks has 4',
      'hand [6] time: must be a local time such as 00:04:24',
    ])
  })
})
