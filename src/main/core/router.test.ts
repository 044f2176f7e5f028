import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideRoute, followUpWords, predictSeconds, type RouteCandidate, type RouteFacts } from './router.ts'

function candidate(
  name: string,
  labels: readonly string[],
  changes: Partial<RouteCandidate> = {},
): RouteCandidate {
  return {
    ...{
      modelId: name.toLowerCase(),
      name,
      labels,
      isResident: true,
      seconds: 2,
      refusal: null,
      leaving: [],
    },
    ...changes,
  }
}

const guide = candidate('Guide', ['chat'])
const coder = candidate('Coder', ['code'])
const cold = { isResident: false, seconds: 5 }

function facts(changes: Partial<RouteFacts> & { p?: Record<string, number> }): RouteFacts {
  const { p = { code: 0.9, chat: 0.1 }, ...others } = changes
  return {
    text: 'Please write a sorting function for me',
    labels: Object.entries(p).map(([name, probability]) => ({ name, probability })),
    candidates: [guide, coder],
    current: guide,
    previous: null,
    ...others,
  }
}

/** Who answers, and how that was found. */
function route(changes: Parameters<typeof facts>[0]): string {
  const { kind, modelId, label } = decideRoute(facts(changes))
  return `${kind} ${modelId} ${String(label)}`
}

describe('who answers', () => {
  test('the model of the likeliest label, with a reason for every other', () => {
    expect(decideRoute(facts({}))).toEqual({
      ...{ kind: 'routed', modelId: 'coder', label: 'code', reason: 'code (90 %): "Coder"' },
      alternatives: [
        { modelId: 'coder', name: 'Coder', label: 'code', isResident: true, seconds: 2, whyNot: null },
        {
          ...{ modelId: 'guide', name: 'Guide', label: 'chat', isResident: true, seconds: 2 },
          whyNot: 'chat (10 %) is less likely',
        },
      ],
    })
  })

  test('the current model when the router is unsure', () => {
    expect(route({ p: { code: 0.5, chat: 0.4 } })).toBe('kept guide chat')
    expect(route({ p: { code: 0.45, chat: 0.3, math: 0.25 } })).toBe('kept guide chat')
    expect(route({ p: { code: 0.6, chat: 0.4 } })).toBe('routed coder code')
    expect(decideRoute(facts({ p: { code: 0.5, chat: 0.4 } }))).toMatchObject({
      reason: 'Not sure (code (50 %), chat (40 %)): "Guide" stays',
      alternatives: [{ whyNot: null }, { whyNot: 'The conversation stays with its model' }],
    })
  })

  test('a model in memory instead of a current one that is not, when the router is unsure', () => {
    const away = { ...guide, ...cold }
    const unsure = { p: { code: 0.5, chat: 0.4 }, current: away, candidates: [away, coder] }
    expect(route(unsure)).toBe('routed coder code')
  })

  test('the current model when the message goes on from the turn before', () => {
    const previous = { label: 'code' }
    const rest = { current: coder, previous, p: { chat: 0.9, code: 0.1 } }
    expect(route({ ...rest, text: 'and in Python?' })).toBe('kept coder code')
    expect(route({ ...rest, text: 'why?' })).toBe('kept coder code')
    expect(route({ ...rest, text: 'Why?', p: { chat: 1, code: 0 } })).toBe('kept coder code')
    expect(route({ ...rest, text: 'and in Python?', previous: null })).toBe('routed guide chat')
    expect(decideRoute(facts({ ...rest, text: 'again' })).reason).toBe(
      'The message goes on from the turn before: "Coder" stays',
    )
    // All but certain that the topic is another one.
    expect(route({ ...rest, text: 'and times 4?', p: { chat: 0.97, code: 0.03 } })).toBe('routed guide chat')
  })

  test('the current one of several models of the label, then the one that is done first', () => {
    const other = candidate('Other', ['code'], { seconds: 1 })
    const candidates = [guide, coder, other]
    expect(route({ candidates })).toBe('routed other code')
    expect(route({ candidates, current: coder })).toBe('routed coder code')
    expect(decideRoute(facts({ candidates })).alternatives[1]).toMatchObject({
      ...{ modelId: 'coder', whyNot: 'Would take about 1 s longer' },
    })
    const unknown = candidate('Unknown', ['code'], { seconds: null })
    expect(route({ candidates: [unknown, guide, coder] })).toBe('routed coder code')
  })

  test('a model in memory before one that has to be loaded, unless loading wins half the time and ten seconds', () => {
    const slow = candidate('Slow', ['code'], { seconds: 30 })
    const loaded = candidate('Fast', ['code'], { isResident: false, seconds: 14 })
    expect(route({ candidates: [guide, slow, loaded] })).toBe('routed fast code')
    expect(route({ candidates: [guide, slow, { ...loaded, seconds: 16 }] })).toBe('routed slow code')
    expect(route({ candidates: [guide, { ...slow, seconds: 12 }, { ...loaded, seconds: 3 }] })).toBe(
      'routed slow code',
    )
    expect(route({ candidates: [guide, slow, { ...loaded, seconds: null }] })).toBe('routed slow code')
    expect(route({ candidates: [guide, slow, loaded], p: { code: 0.66, chat: 0.34 } })).toBe(
      'routed slow code',
    )
  })

  test('a model that has to be loaded only when the router is sure, and surer when somebody has to leave', () => {
    const away = candidate('Coder', ['code'], cold)
    const evicting = { ...away, leaving: ['Guide'] }
    expect(route({ candidates: [guide, away], p: { code: 0.75, chat: 0.25 } })).toBe('routed coder code')
    expect(route({ candidates: [guide, away], p: { code: 0.65, chat: 0.35 } })).toBe('kept guide null')
    expect(route({ candidates: [guide, evicting], p: { code: 0.8, chat: 0.2 } })).toBe('kept guide null')
    expect(decideRoute(facts({ candidates: [guide, evicting] })).reason).toBe(
      'code (90 %): "Coder", which has to be loaded, for which "Guide" may have to leave',
    )
    expect(decideRoute(facts({ candidates: [guide, evicting], p: { code: 0.8, chat: 0.2 } })).reason).toBe(
      'code (80 %), but not sure enough to load "Coder": "Guide" stays',
    )
  })

  test('any model that can be loaded, when nobody in memory can answer', () => {
    const away = candidate('Coder', ['code'], cold)
    const nobody = { candidates: [{ ...guide, ...cold }, away], current: { ...guide, ...cold } }
    expect(route({ ...nobody, p: { code: 0.66, chat: 0.34 } })).toBe('routed coder code')
  })

  test('the current model when nobody of the label can be loaded, and else the next label', () => {
    const refused = candidate('Coder', ['code'], {
      ...cold,
      refusal: 'Cannot load "Coder": needs 9 GB, 1 GB is free',
    })
    expect(decideRoute(facts({ candidates: [guide, refused] }))).toMatchObject({
      ...{
        kind: 'kept',
        modelId: 'guide',
        reason: 'code (90 %), but "Coder" cannot be loaded: "Guide" stays',
      },
      alternatives: [{ whyNot: null }, { whyNot: 'Cannot load "Coder": needs 9 GB, 1 GB is free' }],
    })
    const current = { ...refused, modelId: 'gone', name: 'Gone' }
    expect(decideRoute(facts({ candidates: [guide, refused], current }))).toMatchObject({
      ...{ kind: 'routed', modelId: 'guide', label: 'chat' },
      reason: 'code (90 %), but "Coder" cannot be loaded: "Guide"',
    })
    expect(route({ p: { math: 0.9, chat: 0.1 } })).toBe('kept guide null')
  })

  test('whatever the facts are: somebody who can, if anybody can, and a word about everybody', () => {
    const names = ['A', 'B', 'C', 'D']
    const labelNames = ['chat', 'code', 'math']
    const model = (name: string) =>
      fc
        .record({
          ...{ modelId: fc.constant(name), name: fc.constant(name) },
          labels: fc.subarray(labelNames, { minLength: 1 }),
          isResident: fc.boolean(),
          seconds: fc.option(fc.integer({ min: 0, max: 100 })),
          isRefused: fc.boolean(),
          leaving: fc.subarray(['X', 'Y']),
        })
        .map(({ isRefused, ...each }): RouteCandidate => ({
          ...each,
          refusal: isRefused && !each.isResident ? 'No room' : null,
          leaving: each.isResident ? [] : each.leaving,
        }))
    const arbitrary = fc.record({
      candidates: fc.tuple(...names.map(model)).chain((all) => fc.subarray(all, { minLength: 1 })),
      text: fc.constantFrom('and in Python?', 'why?', 'Please write a long and careful essay'),
      weights: fc.tuple(fc.nat(9), fc.nat(9), fc.integer({ min: 1, max: 9 })),
      current: fc.nat(),
      previous: fc.option(fc.record({ label: fc.option(fc.constantFrom(...labelNames)) })),
    })
    fc.assert(
      fc.property(arbitrary, ({ candidates, text, weights, current, previous }) => {
        const sum = weights.reduce((a, b) => a + b, 0)
        const labels = labelNames.map((name, at) => ({ name, probability: (weights[at] ?? 0) / sum }))
        const decided = decideRoute({
          text,
          labels,
          candidates,
          previous,
          current: candidates[current % candidates.length]!,
        })
        const winner = candidates.find(({ modelId }) => modelId === decided.modelId)
        // Somebody who can is found, and in memory when anybody is and the router is not sure.
        if (candidates.some(({ refusal }) => refusal === null)) expect(winner?.refusal).toBeNull()
        const top = Math.max(...labels.map(({ probability }) => probability))
        if (top < 0.7 && candidates.some(({ isResident }) => isResident) && decided.kind === 'routed')
          expect(winner?.isResident).toBe(true)
        if (decided.kind === 'routed') expect(winner?.labels).toContain(decided.label)
        expect(decided.alternatives.map(({ modelId }) => modelId).toSorted()).toEqual(
          candidates.map(({ modelId }) => modelId).toSorted(),
        )
        expect(
          decided.alternatives.filter(({ whyNot }) => whyNot === null).map(({ modelId }) => modelId),
        ).toEqual([decided.modelId])
        expect(decided.reason).not.toBe('')
      }),
      { numRuns: 2000 },
    )
  })
})

test('a message goes on from the turn before when it begins so and adds little', () => {
  expect(
    Object.fromEntries(
      [
        ...[
          'and in Python?',
          'why?',
          'Again, please',
          'What about it?',
          'How about Rust',
          'und auf Deutsch?',
        ],
        ...['And what is the capital of Peru today?', 'What is a pool?', 'Hello', 'shorter', ''],
      ].map((text) => [text, followUpWords(text)]),
    ),
  ).toEqual({
    'and in Python?': 2,
    'why?': 0,
    'Again, please': 0,
    'What about it?': 0,
    'How about Rust': 1,
    'und auf Deutsch?': 2,
    'And what is the capital of Peru today?': null,
    'What is a pool?': null,
    Hello: null,
    shorter: null,
    '': null,
  })
})

test('an answer takes loading, reading and writing; nobody knows where a speed is missing', () => {
  const cost = {
    loadSeconds: 3,
    promptTokens: 100,
    readTokensPerSecond: 50,
    answerTokens: 40,
    writeTokensPerSecond: 10,
  }
  expect(predictSeconds(cost)).toBe(9)
  expect(predictSeconds({ ...cost, loadSeconds: null })).toBeNull()
  expect(predictSeconds({ ...cost, readTokensPerSecond: null })).toBeNull()
  expect(predictSeconds({ ...cost, writeTokensPerSecond: null })).toBeNull()
})
