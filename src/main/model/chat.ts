import type {
  ChatHistoryItem,
  ChatModelResponse,
  ChatWrapper,
  GgufFileInfo,
  LlamaModel,
  Token,
} from 'node-llama-cpp'
import {
  ChatMLChatWrapper,
  Gemma4ChatWrapper,
  GeneralChatWrapper,
  HarmonyChatWrapper,
  JinjaTemplateChatWrapper,
  LlamaText,
  QwenChatWrapper,
  resolveChatWrapper,
  SpecialTokensText,
} from 'node-llama-cpp'
import type { ChatMessage } from '../../contract/backend.ts'
import { opensThought } from '../../contract/thoughts.ts'
import type { AlignTokenizer } from './align.ts'
import type { ThoughtMarks } from './thought-limit.ts'
import { markToken, partsOfAnswer, type ThoughtFormat } from './thought-text.ts'

/** How a conversation is put to a model. */
export interface Prompt {
  readonly tokens: readonly Token[]
  /** Tokens and texts that end the answer, beside the model's own end-of-generation tokens. */
  readonly stopTokens: ReadonlySet<Token>
  readonly stopTexts: readonly string[]
}

/**
 * The chat wrapper of a model, from its template. Nothing that it writes may change from one turn to the next, or what the model has
 * read has to be read again: no date of today, and thoughts stay where they were.
 */
export function resolveChat(
  model: LlamaModel,
  { chatTemplate = null, thinking = null, chatFormat }: ChatOptions = {},
): ChatWrapper {
  const settings = withThinking(thinking)
  if (chatTemplate !== null)
    return new JinjaTemplateChatWrapper({ ...settings.jinjaTemplate, template: chatTemplate })
  return resolveChatWrapper(model, {
    // To find it out anew, the library renders the template over a hundred times.
    type: thinking === null && isChatFormat(chatFormat) ? chatFormat : 'auto',
    warningLogs: false,
    customWrapperSettings: settings,
  })
}

/** How the user wants a model talked to. */
export interface ChatOptions {
  /** A Jinja template in place of the file's own. */
  readonly chatTemplate?: string | null
  /** Whether to ask for thoughts; null: as the template has it. */
  readonly thinking?: boolean | null
  /** How long an answer may think; null: as long as it likes. */
  readonly thinkingBudgetTokens?: number | null
  /** What `chatFormatOf` has said of the file's template. */
  readonly chatFormat?: string | undefined
}

/** The chat wrappers that are the same each time that they are made; others are made with what the template has shown. */
const chatFormats = ['chatML', 'jinjaTemplate'] as const

function isChatFormat(text: string | undefined): text is (typeof chatFormats)[number] {
  return chatFormats.some((format) => format === text)
}

/** What to remember of a template for the next time, if anything. */
export function chatFormatOf(wrapper: ChatWrapper): string | undefined {
  if (wrapper instanceof ChatMLChatWrapper) return 'chatML'
  return wrapper instanceof JinjaTemplateChatWrapper ? 'jinjaTemplate' : undefined
}

/** What of the options a chat wrapper cannot do, in plain words. */
export function chatWarnings(
  wrapper: ChatWrapper,
  { thinking = null, thinkingBudgetTokens = null }: ChatOptions,
): readonly string[] {
  const warnings: string[] = []
  if (thinking !== null && !canSwitchThinking(wrapper))
    warnings.push(
      `Thinking cannot be switched ${thinking ? 'on' : 'off'}: the chat template of this model knows no switch`,
    )
  if (thinkingBudgetTokens !== null && thoughtMarksOf(wrapper) === null)
    warnings.push('Thinking cannot be limited: the chat template of this model marks no thoughts')
  return warnings
}

/** How thoughts are marked in what the model writes; null where a template says nothing of it. */
export function thoughtMarksOf(wrapper: ChatWrapper): ThoughtMarks | null {
  const thought = wrapper.settings.segments?.thought
  if (thought?.suffix !== undefined) {
    const { prefix } = thought
    const hasPrefix = typeof prefix === 'string' || LlamaText.isLlamaText(prefix)
    return {
      prefix: hasPrefix ? plainText(LlamaText(prefix)) : null,
      suffix: plainText(LlamaText(thought.suffix)),
    }
  }
  // What nearly all templates agree on.
  const isUsual = wrapper instanceof JinjaTemplateChatWrapper && wrapper.template.includes('</think>')
  return isUsual ? { prefix: '<think>', suffix: '\n</think>\n\n' } : null
}

/** What else than thoughts gpt-oss marks in an answer (https://cookbook.openai.com/articles/openai-harmony). */
const harmonyMarks = [
  '<|start|>assistant',
  '<|channel|>final<|message|>',
  '<|channel|>commentary<|message|>',
  '<|end|>',
]

/**
 * How thoughts are marked where no reader of the text would know them: with special tokens, which the text leaves out or shows as they are
 * (llama.cpp shows some of gpt-oss). Null where the marks are known ones, or there are none.
 */
export function thoughtFormatOf(model: LlamaModel, chat: ChatWrapper): ThoughtFormat | null {
  const marks = thoughtMarksOf(chat)
  if (marks?.prefix == null) return null
  const tokenTexts = new Map<Token, string>()
  const written = (mark: string) =>
    model
      .tokenize(mark, true, 'trimLeadingSpace')
      .map((token) => {
        const { control, userDefined } = model.getTokenAttributes(token)
        if (!control && !userDefined) return model.detokenize([token])
        const text = markToken(model.detokenize([token], true))
        tokenTexts.set(token, text)
        return text
      })
      .join('')
  const [prefix, suffix] = [written(marks.prefix.trim()), written(marks.suffix.trim())]
  const isSeen = [...tokenTexts.keys()].every((token) => model.detokenize([token]) !== '')
  if (isSeen && opensThought(marks.prefix.trim())) return null
  const silent = chat instanceof HarmonyChatWrapper ? harmonyMarks.map(written) : []
  return { prefix, suffix, silent, tokenTexts }
}

function withThinking(thinking: boolean | null) {
  if (thinking === null) return customWrapperSettings
  const { jinjaTemplate, qwen, gemma4, ...others } = customWrapperSettings
  return {
    ...others,
    jinjaTemplate: { ...jinjaTemplate, reasoning: thinking },
    qwen: { ...qwen, thoughts: thinking ? 'auto' : 'discourage' } as const,
    gemma4: { ...gemma4, reasoning: thinking },
  }
}

/** A Jinja template has the switch when that changes what it writes: some read the variable only where the library leaves their text out. */
function canSwitchThinking(wrapper: ChatWrapper): boolean {
  if (wrapper instanceof JinjaTemplateChatWrapper) {
    const { template } = wrapper
    const [on, off] = [true, false].map((reasoning) => {
      const switched = new JinjaTemplateChatWrapper({
        ...customWrapperSettings.jinjaTemplate,
        template,
        reasoning,
      })
      return renderText(switched, [{ role: 'user', text: 'Hello' }])
    })
    return on !== off
  }
  return wrapper instanceof QwenChatWrapper || wrapper instanceof Gemma4ChatWrapper
}

/** The chat wrapper that a file's header asks for, without its vocabulary: for trying the template. */
export function resolveChatOfHeader(
  fileInfo: GgufFileInfo,
  options: { filename: string; template: string | null },
): ChatWrapper {
  const { jinjaTemplate, ...others } = customWrapperSettings
  const { filename, template } = options
  return (
    resolveChatWrapper({
      ...{ fileInfo, filename, warningLogs: false },
      customWrapperSettings: {
        ...others,
        ...(template === null ? {} : { jinjaTemplate: { ...jinjaTemplate, template } }),
      },
    }) ?? new GeneralChatWrapper()
  )
}

/** Does ahead, with a template of no model, what makes the first one slow: reading and compiling the library's code for it. */
export function prepareChat(): void {
  const template =
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}{% endfor %}"
  const metadata = { general: { architecture: 'llama' }, tokenizer: { chat_template: template } }
  // The rest of the header is not looked at.
  const fileInfo = { metadata } as unknown as GgufFileInfo
  resolveChatOfHeader(fileInfo, { filename: 'none.gguf', template })
}

const undated = { todayDate: null, cuttingKnowledgeDate: null }
const customWrapperSettings = {
  jinjaTemplate: { keepOnlyLastThought: false },
  qwen: { keepOnlyLastThought: false },
  deepSeek: { keepOnlyLastThought: false },
  gemma4: { keepOnlyLastThought: false },
  'llama3.1': undated,
  'llama3.2-lightweight': undated,
  harmony: { keepOnlyLastThought: false, ...undated },
}

/** Messages as the template writes them, with the answer begun: the text, special tokens and all. */
export function renderText(chat: ChatWrapper, messages: readonly ChatMessage[]): string {
  const chatHistory = [
    ...messages.map((message) => toHistoryItem(message)),
    { type: 'model' as const, response: [] },
  ]
  return plainText(chat.generateContextState({ chatHistory }).contextText)
}

/** Renders messages, with the answer begun; with `continues` the last message is its beginning. Only the template makes special tokens: message text that looks like one stays text. */
export function renderPrompt(
  model: LlamaModel,
  chat: ChatWrapper,
  {
    messages,
    continues = false,
  }: { readonly messages: readonly ChatMessage[]; readonly continues?: boolean },
): Prompt {
  const format = thoughtFormatOf(model, chat)
  const chatHistory = messages.map((message) => toHistoryItem(message, format))
  // The last item of a history stays open: to go on, that is the answer so far.
  if (!continues) chatHistory.push({ type: 'model', response: [] })
  const { contextText, stopGenerationTriggers } = chat.generateContextState({ chatHistory })
  const stopTokens = new Set<Token>()
  const stopTexts: string[] = []
  for (const trigger of stopGenerationTriggers) {
    const tokens = trigger.tokenize(model.tokenizer)
    const [token] = tokens
    if (token !== undefined && tokens.length === 1 && model.isSpecialToken(token)) stopTokens.add(token)
    else if (tokens.every((each) => !model.isSpecialToken(each))) stopTexts.push(plainText(trigger))
  }
  return { tokens: contextText.tokenize(model.tokenizer), stopTokens, stopTexts }
}

/** The tokens of messages up to where the next one of the user begins: what prompts with different next messages have in common. */
export function renderBeforeNext(
  model: LlamaModel,
  chat: ChatWrapper,
  messages: readonly ChatMessage[],
): readonly Token[] {
  const [tokens = [], others = []] = ['A', '0'].map(
    (text) => renderPrompt(model, chat, { messages: [...messages, { role: 'user', text }] }).tokens,
  )
  const end = tokens.findIndex((token, at) => token !== others[at])
  return tokens.slice(0, end === -1 ? tokens.length : end)
}

/** A model's tokenizer as the alignment wants to see it. */
export function alignTokenizerOf(model: LlamaModel): AlignTokenizer<Token> {
  return {
    detokenize: (tokens, { after }) => model.detokenize(tokens, false, after),
    tokenize: (text) => model.tokenize(text, false, 'trimLeadingSpace'),
    isSpecial: (token) => model.isSpecialToken(token) || model.isEogToken(token),
  }
}

function toHistoryItem({ role, text }: ChatMessage, format: ThoughtFormat | null = null): ChatHistoryItem {
  switch (role) {
    case 'system':
      return { type: 'system', text }
    case 'user':
      return { type: 'user', text }
    case 'assistant':
      return { type: 'model', response: format ? withSegments(text, format) : [text] }
  }
}

/** An answer with its thoughts marked as the model has marked them. */
function withSegments(text: string, { prefix, suffix }: ThoughtFormat): ChatModelResponse['response'] {
  const mark = (written: string) => new SpecialTokensText(written.replaceAll(/[\uFDD0\uFDD1]/g, ''))
  return partsOfAnswer(text).map((part) => {
    if (part.kind === 'said') return part.text
    const thought = { type: 'segment', segmentType: 'thought', text: part.text } as const
    if (!part.isEnded) return { ...thought, ended: false }
    return { ...thought, ended: true, raw: LlamaText([mark(prefix), part.text, mark(suffix)]).toJSON() }
  })
}

/** The text of a trigger that has no special tokens: what a template marks as special may be plain text to the model. */
function plainText(trigger: LlamaText): string {
  return trigger.values.map((value) => (typeof value === 'string' ? value : value.value)).join('')
}
