import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { Conversation, Turn } from '../../contract/conversation.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { messagesOf } from './messages.ts'

const guide = { id: 'guide', name: 'Guide' }
const coder = { id: 'coder', name: 'Coder' }

/** A conversation over a real database whose answers end at once. */
function newTree() {
  const database = openDatabase(':memory:')
  let time = 0
  const conversations = new Conversations(database, { now: () => ++time })
  onTestFinished(() => {
    conversations[Symbol.dispose]()
    database.close()
  })
  const { id } = conversations.create({ title: 'Tree' })
  let count = 0
  const end = (turn: Turn, ids: readonly string[]): Turn => {
    for (const answerId of ids) {
      conversations.live.append(answerId, `answer ${String(++count)}`)
      conversations.live.end(answerId, { kind: 'done', stopReason: 'end' })
    }
    return conversations.turn(turn.id)
  }
  const unended = ({ answers }: Turn) =>
    answers.filter(({ state }) => state.kind === 'waiting').map((answer) => answer.id)
  return {
    conversations,
    id,
    send: (text: string, models = [guide]) => {
      const turn = conversations.tree.addTurn(id, { text, models })
      return end(turn, unended(turn))
    },
    edit: (turnId: string, text: string) => {
      const turn = conversations.tree.addTurn(id, { text, models: [coder], inPlaceOf: turnId })
      return end(turn, unended(turn))
    },
    retry: (turnId: string, models = [coder]) => {
      const turn = conversations.tree.addAnswers(turnId, models)
      return end(turn, unended(turn))
    },
    path: () => conversations.get(id).turns,
    texts: () => shownTexts(conversations.get(id)),
  }
}

function chosen(turn: Turn) {
  return turn.answers.find(({ id }) => id === turn.chosenAnswerId)!
}

function shownTexts({ turns }: Conversation): string[] {
  return turns.flatMap((turn) => [turn.text, chosen(turn).text])
}

test('an edited message is another version, and the turns below each stay with it', () => {
  const { send, edit, conversations, texts, path } = newTree()
  const one = send('one')
  send('two')
  const uno = edit(one.id, 'uno')
  expect(texts()).toEqual(['uno', 'answer 3'])
  expect(uno.siblingIds).toEqual([one.id, uno.id])
  send('dos')
  conversations.tree.show(one.id)
  expect(texts()).toEqual(['one', 'answer 1', 'two', 'answer 2'])
  expect(path()[0]?.siblingIds).toEqual([one.id, uno.id])
  conversations.tree.show(uno.id)
  expect(texts()).toEqual(['uno', 'answer 3', 'dos', 'answer 4'])
})

test('a new answer of an earlier turn begins a new path; the old one comes back with its answer', () => {
  const { send, retry, conversations, texts } = newTree()
  const one = send('one')
  send('two')
  send('three')
  const again = retry(one.id)
  expect(texts()).toEqual(['one', 'answer 4'])
  send('and two')
  conversations.tree.show(one.id, one.chosenAnswerId)
  expect(texts()).toEqual(['one', 'answer 1', 'two', 'answer 2', 'three', 'answer 3'])
  conversations.tree.show(one.id, again.chosenAnswerId)
  expect(texts()).toEqual(['one', 'answer 4', 'and two', 'answer 5'])
})

test('of several answers the first that ends well counts until one is kept; sending on keeps it', () => {
  const { send, conversations, id } = newTree()
  const turn = conversations.tree.addTurn(id, { text: 'Who?', models: [guide, coder] })
  const [first, second] = turn.answers
  expect([turn.isUndecided, first!.askedTogetherId]).toEqual([true, second!.askedTogetherId])
  conversations.live.end(first!.id, { kind: 'done', stopReason: 'stopped' })
  expect(conversations.turn(turn.id).chosenAnswerId).toBe(first!.id)
  conversations.live.append(second!.id, 'Me')
  conversations.live.end(second!.id, { kind: 'done', stopReason: 'end' })
  expect(conversations.turn(turn.id)).toMatchObject({ chosenAnswerId: second!.id, isUndecided: true })
  // Asked again while nothing is kept, an answer joins the others.
  const again = conversations.tree.addAnswers(turn.id, [guide])
  expect(again.answers[2]?.askedTogetherId).toBe(first!.askedTogetherId)
  expect(again.chosenAnswerId).toBe(second!.id)
  conversations.live.end(again.answers[2]!.id, { kind: 'done', stopReason: 'end' })
  const next = send('And?')
  expect(next.parentAnswerId).toBe(second!.id)
  expect(conversations.turn(turn.id).isUndecided).toBe(false)
})

test('a branch is a copy that nothing in the other conversation changes', () => {
  const { send, edit, retry, conversations, path } = newTree()
  send('one')
  const two = send('two')
  retry(two.id)
  send('three')
  const before = path().slice(0, 2)
  const branch = conversations.tree.branch(two.id)
  expect(branch.title).toBe('Tree (branch)')
  expect(shownTexts(branch)).toEqual(['one', 'answer 1', 'two', 'answer 3'])
  expect(branch.turns.map(({ answers }) => answers.map(({ text }) => text))).toEqual(
    before.map(({ answers }) => answers.map(({ text }) => text)),
  )
  const ids = new Set(before.flatMap((turn) => [turn.id, ...turn.answers.map(({ id }) => id)]))
  for (const turn of branch.turns) {
    expect([turn.id, ...turn.answers.map(({ id }) => id)].filter((id) => ids.has(id))).toEqual([])
    expect(turn.siblingIds).toEqual([turn.id])
  }
  edit(before[0]!.id, 'uno')
  conversations.tree.deleteTurn(before[0]!.id)
  expect(conversations.get(branch.id).turns).toEqual(branch.turns)
})

test('an edited answer is read as it is, and can be as it was written', () => {
  const { send, conversations, path } = newTree()
  const one = send('one')
  const edited = conversations.tree.editAnswer(one.chosenAnswerId, 'mine')
  expect(chosen(edited)).toMatchObject({ text: 'mine', isEdited: true })
  conversations.tree.editAnswer(one.chosenAnswerId, 'mine again')
  const two = conversations.tree.addTurn(conversations.conversationOf(one.id), {
    text: 'two',
    models: [guide],
  })
  expect(messagesOf(conversations.pathTo(two.id))[1]).toEqual({ role: 'assistant', text: 'mine again' })
  const written = chosen(conversations.tree.editAnswer(one.chosenAnswerId, null))
  expect([written.text, written.isEdited]).toEqual(['answer 1', undefined])
  expect(path()).toHaveLength(2)
})

test('deleting everything and bringing it back', () => {
  const { send, conversations, id, texts } = newTree()
  const one = send('one')
  const two = send('two')
  conversations.tree.deleteTurn(two.id)
  expect(texts()).toEqual(['one', 'answer 1'])
  conversations.tree.deleteTurn(one.id)
  expect(conversations.get(id)).toMatchObject({ turns: [], turnCount: 0 })
  expect(() => conversations.tree.restoreTurn(two.id)).toThrow('what was before it is gone')
  conversations.tree.restoreTurn(one.id)
  conversations.tree.restoreTurn(two.id)
  expect(texts()).toEqual(['one', 'answer 1', 'two', 'answer 2'])
})

test('conversations from before there were versions go on as they were', () => {
  const database = openDatabase(':memory:')
  onTestFinished(() => database.close())
  const conversations = new Conversations(database)
  const { id } = conversations.create()
  const first = conversations.tree.addTurn(id, { text: 'one', models: [guide] })
  conversations.live.end(first.chosenAnswerId, { kind: 'done', stopReason: 'end' })
  conversations.tree.addTurn(id, { text: 'two', models: [guide] })
  const path = conversations.get(id).turns
  expect(path.map(({ parentAnswerId }) => parentAnswerId)).toEqual([null, path[0]!.chosenAnswerId])
})

test('a path of more turns than SQLite deletes in one go is switched, branched, deleted and brought back', () => {
  const { send, edit, conversations, id, path } = newTree()
  const first = send('first')
  for (let count = 1; count < 1200; count++) send('more')
  const other = edit(first.id, 'other')
  expect(path()).toHaveLength(1)
  conversations.tree.show(first.id)
  expect(path()).toHaveLength(1200)
  expect(conversations.tree.branch(path().at(-1)!.id).turns).toHaveLength(1200)
  conversations.tree.deleteTurn(first.id)
  expect(path().map((turn) => turn.id)).toEqual([other.id])
  conversations.tree.restoreTurn(first.id)
  expect(conversations.get(id).turns).toHaveLength(1200)
  conversations.delete(id)
  expect(conversations.list()).toHaveLength(1)
})

/** What people do with a tree; numbers choose among what there is. */
const act = fc.oneof(
  ...(['send', 'edit', 'retry', 'several', 'show', 'choose', 'delete', 'undo', 'branch'] as const).map(
    (kind) => fc.record({ kind: fc.constant(kind), at: fc.nat(), which: fc.nat() }),
  ),
)

test('whatever is done, models read the path that is shown, and nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const { conversations, id, send, edit, retry, path } = newTree()
      /** Every answer's text, by id, and every message's, with what hangs below. */
      const known = new Map<string, Turn>()
      const deleted: { turnId: string; turns: Turn[] }[] = []
      const note = (turn: Turn) => void known.set(turn.id, conversations.turn(turn.id))
      let said = 0
      for (const { kind, at, which } of acts) {
        const shown = path()
        const turn = shown[at % Math.max(1, shown.length)]
        if (kind === 'send' || !turn) note(send(`message ${String(++said)}`))
        else if (kind === 'several') note(send(`message ${String(++said)}`, [guide, coder]))
        else if (kind === 'edit') note(edit(turn.id, `message ${String(++said)}`))
        else if (kind === 'retry') note(retry(turn.id, which % 2 === 0 ? [guide] : [guide, coder]))
        else if (kind === 'show') conversations.tree.show(turn.siblingIds[which % turn.siblingIds.length]!)
        else if (kind === 'choose')
          conversations.tree.show(turn.id, turn.answers[which % turn.answers.length]!.id)
        else if (kind === 'branch') {
          const branch = conversations.tree.branch(turn.id)
          expect(shownTexts(branch)).toEqual(
            shownTexts({ ...branch, turns: shown.slice(0, shown.indexOf(turn) + 1) }),
          )
          conversations.delete(branch.id)
        } else if (kind === 'delete') {
          const below = new Set([turn.id])
          for (const each of known.values()) if (below.has(each.parentId ?? '')) below.add(each.id)
          deleted.push({ turnId: turn.id, turns: [...below].map((each) => known.get(each)!) })
          conversations.tree.deleteTurn(turn.id)
          for (const each of below) known.delete(each)
        } else {
          const last = deleted.pop()
          if (last) {
            conversations.tree.restoreTurn(last.turnId)
            for (const each of last.turns) note(each)
            expect(path().map((each) => each.id)).toContain(last.turnId)
          }
        }
        checkPath(path())
      }
      // Nothing is lost: every version of every turn can be brought onto the screen, with all answers.
      for (const turn of known.values()) {
        const shown = conversations.tree.show(turn.id).turns
        checkPath(shown)
        const found = shown.find((each) => each.id === turn.id)
        expect(found?.text).toBe(turn.text)
        expect(found?.answers.map(({ text }) => text)).toEqual(
          expect.arrayContaining(turn.answers.map(({ text }) => text)),
        )
      }
      expect(conversations.get(id).turnCount).toBe(known.size)

      /** The path is one of the tree, ends where nothing hangs on, and is what a model reads. */
      function checkPath(turns: readonly Turn[]): void {
        for (const [index, turn] of turns.entries()) {
          const before = turns[index - 1]
          expect([turn.parentId, turn.parentAnswerId]).toEqual([
            before?.id ?? null,
            before?.chosenAnswerId ?? null,
          ])
          expect(turn.siblingIds).toContain(turn.id)
          expect(turn.answers.map((answer) => answer.id)).toContain(turn.chosenAnswerId)
          if (index < turns.length - 1) expect(turn.isUndecided).toBe(false)
        }
        const last = turns.at(-1)
        if (!last) return
        const children = [...known.values()].filter(
          ({ parentAnswerId }) => parentAnswerId === last.chosenAnswerId,
        )
        expect(children).toEqual([])
        const read = messagesOf(conversations.pathTo(last.id))
        const onScreen = turns.flatMap((turn) => [turn.text, chosen(turn).text]).slice(0, -1)
        expect(read.map(({ text }) => text)).toEqual(onScreen)
      }
    }),
    { numRuns: 60 },
  )
})
