import type { Answer, Conversation, Turn } from '../../contract/conversation.ts'

/** The shown path of a conversation as Markdown: who said what, with the text of each as it is; of attachments their names. */
export function conversationMarkdown({ title, createdAt, instructions, turns }: Conversation): string {
  const parts = turns.flatMap((turn) => {
    const answer = turn.answers.find(({ id }) => id === turn.chosenAnswerId)
    return [messageMarkdown(turn), ...(answer ? [answerMarkdown(answer)] : [])]
  })
  const day = new Date(createdAt).toISOString().slice(0, 10)
  const head = [`# ${oneLine(title)}`, `${day}, exported from Plenum`]
  const begin = instructions === null ? [] : [`## Instructions\n\n${instructions.trim()}`]
  return `${[...head, ...begin, ...parts].join('\n\n')}\n`
}

function messageMarkdown({ text, attachments = [] }: Turn): string {
  const files = attachments.map(({ name }) => `_Attached: ${oneLine(name)}_`)
  return ['## You', ...files, text.trim()].filter((part) => part !== '').join('\n\n')
}

function answerMarkdown({ modelName, text, state }: Answer): string {
  const said = text.trim()
  const end =
    state.kind === 'interrupted'
      ? `_Interrupted: ${oneLine(state.problem.message)}_`
      : state.kind === 'done' && state.stopReason === 'stopped'
        ? '_Stopped_'
        : state.kind === 'done'
          ? ''
          : '_Not finished yet_'
  return [`## ${oneLine(modelName)}`, said, end].filter((part) => part !== '').join('\n\n')
}

/** A name for the file: the title without what file systems do not take, and not too long. */
export function fileNameOf(title: string, ending: 'md' | 'json'): string {
  const plain = title
    .replaceAll(/[\p{Cc}\p{Cf}<>:"/\\|?*]+/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .replace(/^[. ]+/, '')
  const short = plain
    .slice(0, 80)
    .toWellFormed()
    .replace(/[\uFFFD. ]+$/, '')
  // Names that Windows keeps for devices.
  const name = short === '' || /^(?:con|prn|aux|nul|com\d|lpt\d)$/i.test(short) ? 'Conversation' : short
  return `${name}.${ending}`
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
