import type { Answer, Turn } from '../../contract/conversation.ts'
import type { Verification } from '../../contract/routing.ts'

/** What a verifier said, in one line: "Checked by Judge: PASS", "Checked by Judge: FAIL, it answers another question". Pure. */
export function verdictText({ verifierName, outcome }: Verification): string {
  switch (outcome.kind) {
    case 'checking':
      return `${verifierName} is reading the answer…`
    case 'pass':
      return `Checked by ${verifierName}: PASS`
    case 'fail':
      return `Checked by ${verifierName}: FAIL${asEnding(outcome.reason)}`
    case 'unknown':
      return `Not checked: ${outcome.problem.message.replace(/^Cannot check the answer: /, '')}`
    default:
      return outcome satisfies never
  }
}

/** The failed answer that this one repairs, while it is in the turn. Pure. */
export function repairedAnswer({ repairsAnswerId }: Answer, turn: Turn): Answer | null {
  if (repairsAnswerId === undefined) return null
  return turn.answers.find(({ id }) => id === repairsAnswerId) ?? null
}

/** Said above a repair: "Repairs the answer before, which Judge failed: it answers another question". Pure. */
export function repairText({ verification }: Answer): string {
  if (verification?.outcome.kind !== 'fail') return 'Repairs the answer before'
  const { verifierName, outcome } = verification
  return `Repairs the answer before, which ${verifierName} failed${asEnding(outcome.reason)}`
}

function asEnding(reason: string): string {
  const text = reason.trim().replace(/\.$/, '')
  return text === '' ? '' : `: ${text}`
}
