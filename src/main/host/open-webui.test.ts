import { expect, test } from 'vitest'
import type { ExportedConversation } from '../../contract/conversation-file.ts'
import { readChat } from './open-webui.ts'

const message = (id: string, parentId: string | null, role: string, content: unknown, more: object = {}) => ({
  [id]: { id, parentId, childrenIds: [], role, content, timestamp: 1_700_000_000, ...more },
})
const answer = (id: string, parentId: string, content: string, model = 'llama3:8b') =>
  message(id, parentId, 'assistant', content, {
    model,
    modelName: 'Llama 3',
    done: true,
    unknown: { deep: [1] },
  })

/** As `GET /api/v1/chats/all` gives each chat. */
const entry = {
  id: '0b6b1f52-6c1e-4a8e-9d2f-000000000001',
  user_id: 'u',
  title: 'Pools',
  archived: false,
  pinned: true,
  meta: { tags: ['a'] },
  created_at: 1_700_000_000,
  updated_at: 1_700_000_500,
  chat: {
    models: ['llama3:8b'],
    params: { system: 'Be brief' },
    history: {
      currentId: 'a3',
      messages: {
        ...message('u1', null, 'user', 'What is a pool?', {
          files: [{ type: 'image', url: 'data:image/png;base64,xx' }],
        }),
        ...answer('a1', 'u1', 'Water.'),
        ...answer('a2', 'u1', 'Memory.', 'qwen3'),
        ...answer('a4', 'u1', 'Dead end.'),
        ...message('u2', 'a1', 'user', 'Deep?'),
        ...answer('a5', 'u2', 'Yes.'),
        ...message('u3', 'a2', 'user', [{ type: 'text', text: 'How large?' }, { type: 'image_url' }]),
        ...answer('a3', 'u3', '128 GB.'),
        ...message('u4', 'a2', 'user', 'How small?'),
      },
    },
    messages: [],
  },
}

/** Of each turn its message, its answers, and behind an answer what hangs on it. */
function outline({ turns }: ExportedConversation): unknown {
  const write = (parentAnswerId: string | null): unknown[] =>
    turns
      .filter((turn) => (turn.parentAnswerId ?? null) === parentAnswerId)
      .map((turn) => [
        turn.text,
        ...turn.answers.flatMap(({ text, id }) => [
          id === turn.chosenAnswerId ? `*${text}` : text,
          ...write(id),
        ]),
      ])
  return write(null)
}

test('a tree of messages becomes a tree of turns, each hanging on the answer that it follows', () => {
  const read = readChat(entry, 5)
  if (read.kind !== 'chat') throw new Error(read.reason)
  const { conversation } = read
  expect(outline(conversation)).toEqual([
    [
      'What is a pool?',
      'Water.',
      ['Deep?', '*Yes.'],
      '*Memory.',
      ['How large?\n', '*128 GB.'],
      ['How small?', '*'],
      'Dead end.',
    ],
  ])
  expect(conversation).toMatchObject({
    ...{ id: entry.id, title: 'Pools', isTitled: true, isPinned: true, isArchived: false },
    ...{ createdAt: 1_700_000_000_000, updatedAt: 1_700_000_500_000 },
    asking: { instructions: 'Be brief', sampling: {}, jsonSchema: null },
  })
  expect(conversation.turns.find(({ id }) => id === conversation.shownTurnId)?.text).toBe('How large?\n')
  expect(conversation.turns[0]?.answers[0]).toMatchObject({
    modelId: 'llama3:8b',
    modelName: 'Llama 3',
    state: { kind: 'done' },
  })
  expect(read.leftBehind).toEqual({ files: 1, loose: 0 })
  expect(readChat(entry, 5)).toEqual(read)
})

test('older exports have a list of messages, and the export of one chat is the chat itself', () => {
  const read = readChat(
    {
      title: '',
      messages: [
        { role: 'system', content: 'System' },
        { role: 'assistant', content: 'Welcome' },
        { role: 'user', content: 'One' },
        { role: 'assistant', content: 'Two', model: 'm' },
        { role: 'user', content: 'Three' },
        { role: 'user', content: 'Four' },
        { role: 'assistant', content: '', error: { content: 'No' } },
      ],
    },
    5000,
  )
  if (read.kind !== 'chat') throw new Error(read.reason)
  expect(outline(read.conversation)).toEqual([['One', '*Two', ['Three', '*', ['Four', '*']]]])
  expect(read.conversation.title).toBe('Untitled chat')
  expect(read.conversation.asking?.instructions).toBe('System')
  expect(read.conversation.turns.map(({ answers }) => answers[0]?.state.kind)).toEqual([
    'done',
    'interrupted',
    'interrupted',
  ])
  expect(read.leftBehind.loose).toBe(1)
})

test.each([
  [{ title: 'Empty', chat: { history: { messages: {} } } }, 'Empty'],
  [{ chat: { title: 'Broken', history: { messages: 'no' }, messages: { a: 1 } } }, 'Broken'],
  [{ chat: { history: { messages: { a: { parentId: 'a', role: 'assistant' } } } } }, 'Untitled chat'],
  [
    {
      chat: {
        history: { messages: { a: { parentId: 'b', role: 'user' }, b: { parentId: 'a', role: 'user' } } },
      },
    },
    'Untitled chat',
  ],
])('a chat without messages is told of: %j', (value, title) => {
  expect(readChat(value, 5)).toEqual({ kind: 'unreadable', title, reason: 'It has no messages' })
})
