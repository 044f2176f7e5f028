import { expect, test } from 'vitest'
import type { Answer } from '../../contract/conversation.ts'
import type { Verification } from '../../contract/routing.ts'
import { repairText, verdictText } from './verdict-text.ts'

function verification(outcome: Verification['outcome']): Verification {
  return { verifierId: 'judge', verifierName: 'Judge', outcome }
}

const problem = {
  code: 'NOT_FOUND',
  message: 'Cannot check the answer: no model verifies',
  details: {},
} as const
const failed = { kind: 'fail', passProbability: 0.1, reason: 'It answers another question.', ms: 1 } as const

test('a verdict in one line', () => {
  const outcomes: Verification['outcome'][] = [
    { kind: 'checking', waitsFor: null },
    { kind: 'pass', passProbability: 0.9, reason: 'It is right', ms: 1 },
    failed,
    { ...failed, reason: '' },
    { kind: 'unknown', problem },
  ]
  expect(outcomes.map((outcome) => verdictText(verification(outcome)))).toEqual([
    'Judge is reading the answer…',
    'Checked by Judge: PASS',
    'Checked by Judge: FAIL: It answers another question',
    'Checked by Judge: FAIL',
    'Not checked: no model verifies',
  ])
})

test('a repair says what it repairs, and why', () => {
  const answer = (outcome?: Verification['outcome']) =>
    ({ ...(outcome && { verification: verification(outcome) }) }) as unknown as Answer
  expect([repairText(answer(failed)), repairText(answer())]).toEqual([
    'Repairs the answer before, which Judge failed: It answers another question',
    'Repairs the answer before',
  ])
})
