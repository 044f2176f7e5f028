import { expect, test } from 'vitest'
import type { Answer, Turn } from '../../contract/conversation.ts'
import type { RouteAlternative, RoutingDecision } from '../../contract/routing.ts'
import { alternativeFacts, decisionText, otherModels, overruledAnswer, routerWords } from './routing-text.ts'

function decision(more: Partial<RoutingDecision> = {}): RoutingDecision {
  return {
    kind: 'routed',
    routerId: 'judge',
    routerName: 'Judge',
    label: 'code',
    labels: [
      { name: 'code', probability: 0.93 },
      { name: 'chat', probability: 0.07 },
    ],
    ms: 240,
    reason: 'code (93 %): "Coder"',
    alternatives: [],
    ...more,
  }
}

test('a decision in one line: who was chosen and why', () => {
  const unsure = {
    labels: [
      { name: 'code', probability: 0.41 },
      { name: 'chat', probability: 0.39 },
      { name: 'math', probability: 0.2 },
    ],
  }
  const goesOn = 'The message goes on from the turn before: "Guide" stays'
  expect([
    decisionText(decision(), 'Coder'),
    decisionText(decision({ label: null }), 'Coder'),
    decisionText(decision({ kind: 'kept', ...unsure, reason: 'Not sure: "Guide" stays' }), 'Guide'),
    decisionText(decision({ kind: 'kept', reason: goesOn }), 'Guide'),
    // In other words than these it is told when it is unfolded.
    decisionText(decision({ kind: 'kept', reason: 'For another reason' }), 'Guide'),
    decisionText(
      decision({ kind: 'fallback', reason: '"Judge" took longer than 50 ms: "Guide" answers' }),
      'Guide',
    ),
    decisionText(
      decision({ kind: 'fallback', routerId: null, routerName: null, label: null, labels: [] }),
      'Guide',
    ),
  ]).toEqual([
    'Auto chose Coder: code 93 %',
    'Auto chose Coder',
    'Stayed with Guide: the router was unsure (code 41 %, chat 39 %)',
    'Stayed with Guide: the message goes on from the turn before',
    'Stayed with Guide',
    'Judge took longer than 50 ms: Guide answered',
    'No router: Guide answered',
  ])
})

test('who sorted the message, and how long that took', () => {
  expect([routerWords(decision()), routerWords(decision({ routerName: null, ms: 5000 }))]).toEqual([
    'Sorted by Judge in 0.2 s',
    'Nobody sorted the message (5.0 s)',
  ])
})

test('each other model once, without the one that answered, and what is known of it', () => {
  const other = (modelId: string, more: Partial<RouteAlternative> = {}): RouteAlternative => ({
    ...{ modelId, name: modelId.toUpperCase(), label: 'code', isResident: true, seconds: 3.14, whyNot: null },
    ...more,
  })
  const alternatives = [other('coder'), other('guide'), other('guide', { label: 'chat' }), other('judge')]
  expect(otherModels(decision({ alternatives }), 'coder')).toEqual([
    { modelId: 'guide', name: 'GUIDE' },
    { modelId: 'judge', name: 'JUDGE' },
  ])
  expect([
    alternativeFacts(other('a')),
    alternativeFacts(other('b', { isResident: false, seconds: null })),
  ]).toEqual(['code · resident · about 3.1 s', 'code · not in memory'])
})

test('the answer that the user chose knows the one that it took the place of', () => {
  const answer = (id: string, modelId: string, more: Partial<Answer> = {}): Answer => ({
    ...{ id, modelId, modelName: modelId, text: '', stats: null, createdAt: 0 },
    state: { kind: 'done', stopReason: 'end' },
    ...more,
  })
  const overruledBy = { modelId: 'guide', name: 'Guide', isRemembered: false }
  const first = answer('1', 'coder', { routing: decision({ overruledBy }) })
  const second = answer('2', 'guide')
  const repair = answer('3', 'guide', { repairsAnswerId: '2' })
  const turn = { answers: [first, second, repair] } as unknown as Turn
  expect(
    [first, second, repair, answer('4', 'judge')].map((each) => overruledAnswer(each, turn)?.id),
  ).toEqual([undefined, '1', undefined, undefined])
})
