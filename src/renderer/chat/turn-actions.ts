import { endedEarly, type Answer, type Turn } from '../../contract/conversation.ts'
import { openConversation } from '../open-conversation.ts'
import { attempt, host, offerUndo, useApp } from '../store.ts'
import { goOnWith } from './several-models.ts'
import { nextAnswerers } from './use-next-model.ts'

/** Begins to edit a message or an answer, named by the id of the turn or the answer. What is typed outlives the drawing of the turn. */
export function startEdit(id: string, text: string): void {
  useApp.setState(({ edits }) => ({ edits: { ...edits, [id]: edits[id] ?? text } }))
}

/** Begins to edit a message from wherever the focus is, and brings it there. */
export function editMessage(turnId: string, text: string): void {
  startEdit(turnId, text)
  requestAnimationFrame(() =>
    document.querySelector<HTMLElement>(`[data-edit="${CSS.escape(turnId)}"]`)?.focus(),
  )
}

/** Keeps what is typed. */
export function changeEdit(id: string, text: string): void {
  useApp.setState(({ edits }) => ({ edits: { ...edits, [id]: text } }))
}

/** Drops an edit. */
export function endEdit(id: string): void {
  useApp.setState(({ edits }) => ({
    edits: Object.fromEntries(Object.entries(edits).filter(([each]) => each !== id)),
  }))
}

/** Sends an edited message as a further version, to the models that are chosen. The edit ends when the host has it. */
export async function sendEdit(turnId: string): Promise<void> {
  const { edits } = useApp.getState()
  const text = edits[turnId]?.trim() === '' ? undefined : edits[turnId]
  if (text === undefined) return
  await attempt(async () => {
    await host().turns.edit({ turnId, text, ...nextAnswerers() })
    endEdit(turnId)
  })
}

/** Puts an edited text in the place of an answer. */
export async function saveEdit(answerId: string): Promise<void> {
  const text = useApp.getState().edits[answerId]
  if (text === undefined || text === '') return
  await attempt(async () => {
    await host().turns.editAnswer({ answerId, text })
    endEdit(answerId)
  })
}

/** Has the answer as its model wrote it. */
export async function undoEdit(answerId: string): Promise<void> {
  await attempt(() => host().turns.editAnswer({ answerId, text: null }))
}

/** Asks a turn again: these models, or whoever takes the next turn. */
export async function askAgain(turnId: string, modelIds?: string[]): Promise<void> {
  await attempt(() => host().turns.retry({ turnId, ...(modelIds ? { modelIds } : nextAnswerers()) }))
}

/** Asks a turn again of whoever takes the next turn. One model in the place of another that Auto had chosen overrules it. */
export async function askChosen(turnId: string, { id, modelId, routing }: Answer): Promise<void> {
  const answerers = nextAnswerers()
  const [only, ...others] = 'modelIds' in answerers ? answerers.modelIds : []
  if (routing && only !== undefined && others.length === 0 && only !== modelId) await overrule(id, only)
  else await askAgain(turnId)
}

/** Has another model answer than the one that Auto chose; the message becomes an example for the router where the settings say so. */
export async function overrule(answerId: string, modelId: string): Promise<void> {
  const isRemembered = useApp.getState().settings?.learnsRouting === 'always'
  await attempt(() => host().turns.overrule({ answerId, modelId, isRemembered }))
}

/** Keeps the message of an answer that was overruled as an example for the router. */
export async function rememberRouting(answerId: string): Promise<void> {
  await attempt(() => host().routing.remember({ answerId }))
}

/** Has the verifier read an answer, and has it repaired when it fails. */
export async function checkAnswer(answerId: string): Promise<void> {
  await attempt(() => host().turns.check({ answerId }))
}

/** Lets an answer that was cut go on. */
export async function continueAnswer(answerId: string): Promise<void> {
  await attempt(() => host().turns.continue({ answerId }))
}

/** Shows a version of a message. */
export async function showVersion(turnId: string): Promise<void> {
  await attempt(() => host().turns.show({ turnId }))
}

/** Shows a version of an answer. */
export async function showAnswer(turnId: string, answerId: string): Promise<void> {
  await attempt(async () => {
    await host().turns.show({ turnId, answerId })
    showSideBySide(turnId, false)
  })
}

/** Keeps one of several answers: the conversation goes on from it, and with its model alone. */
export async function keepAnswer(turnId: string, { id, modelId }: Answer): Promise<void> {
  await attempt(async () => {
    await host().turns.show({ turnId, answerId: id })
    showSideBySide(turnId, false)
    goOnWith(modelId)
  })
}

/** Shows answers that were asked for together side by side, or the kept one alone. */
export function showSideBySide(turnId: string, isOn: boolean): void {
  useApp.setState(({ sideBySideIds }) => {
    const others = sideBySideIds.filter((id) => id !== turnId)
    return { sideBySideIds: isOn ? [...others, turnId] : others }
  })
}

/** Goes on in a new conversation that has everything up to this turn. */
export async function branchFrom(turnId: string): Promise<void> {
  const branch = await attempt(() => host().turns.branch({ turnId }))
  if (branch) openConversation(branch.id)
}

/** Deletes a turn with all below it at once, and offers to take it back. */
export async function deleteTurn(turnId: string): Promise<void> {
  await attempt(async () => {
    await host().turns.delete({ turnId })
    offerUndo('Deleted the turn and what followed it', () => host().turns.restore({ turnId }))
  })
}

/** Ends the answers of a turn, or one of them. */
export async function stopAnswers(turnId: string, answerId?: string): Promise<void> {
  await attempt(() => host().turns.stop({ turnId, ...(answerId !== undefined && { answerId }) }))
}

/** Whether an answer was cut and could go on. */
export function wasCut({ state, text }: Answer): boolean {
  return text !== '' && endedEarly(state)
}

/** The answers that were asked for together with the chosen one, of each model the newest; one when it was asked alone. Pure. */
export function answersTogether({ answers, chosenAnswerId }: Turn): readonly Answer[] {
  const chosen = answers.find(({ id }) => id === chosenAnswerId)
  if (chosen?.askedTogetherId === undefined) return chosen ? [chosen] : []
  const together = answers.filter(({ askedTogetherId }) => askedTogetherId === chosen.askedTogetherId)
  const newest = new Map(together.map((answer) => [answer.modelId, answer.id]))
  return together.filter(({ id, modelId }) => newest.get(modelId) === id)
}
