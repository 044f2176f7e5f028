import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startNodeChild } from './node-starter.ts'
import type { ChatMessage, GenerateEvent } from '../../contract/backend.ts'
import { ResidentModel, type AnswerOptions, type ResidentModelOptions } from './resident-model.ts'

/** The demo models' files. */
export const demoFiles = {
  guide: demoFile('demo-guide-2.2m-f16.gguf'),
  coder: demoFile('demo-coder-2.2m-f16.gguf'),
  judge: demoFile('demo-judge-2.2m-q8_0.gguf'),
}

/** A resident model on a file, not yet loaded; for tests. Unless the options say otherwise it has the shape of the demo models. Whoever calls ends it. */
export function startTestModel(file: string, options: Partial<ResidentModelOptions> = {}): ResidentModel {
  return new ResidentModel({
    start: startNodeChild,
    program: fileURLToPath(new URL('../model/index.ts', import.meta.url)),
    env: { PLENUM_DEVICE: 'cpu' },
    name: path.basename(file),
    path: file,
    facts: demoFacts,
    threads: 1,
    gpuLayers: null,
    contextTokens: 1024,
    domains: { host: 'unified', device: 'unified' },
    resize: () => true,
    ...options,
  })
}

/** What is said in a conversation with a model. */
export type TestConversation = { readonly id: string; readonly messages: ChatMessage[] }

/** How an answer ended, and what it cost. */
export type Done = Extract<GenerateEvent, { kind: 'done' }>

/** Asks the next question of a conversation and writes both down in it. */
export async function ask(
  model: ResidentModel,
  { id, messages }: TestConversation,
  text: string,
  options: AnswerOptions = {},
): Promise<{ answer: string; done: Done }> {
  messages.push({ role: 'user', text })
  const answered = await collect(model.generate(id, messages, options))
  messages.push({ role: 'assistant', text: answered.answer })
  return answered
}

/** Lets the last message of a conversation, an answer that was cut, go on. */
export async function goOn(
  model: ResidentModel,
  { id, messages }: Pick<TestConversation, 'id'> & { readonly messages: readonly ChatMessage[] },
): Promise<{ answer: string; done: Done }> {
  return collect(model.generate(id, messages, { continues: true }))
}

async function collect(events: AsyncIterable<GenerateEvent>): Promise<{ answer: string; done: Done }> {
  let answer = ''
  let done: Done | null = null
  for await (const event of events) {
    if (event.kind === 'text') answer += event.text
    if (event.kind === 'done') done = event
  }
  if (!done) throw new Error('The answer has no end')
  return { answer, done }
}

/** All three demo models have this shape. */
export const demoFacts = {
  kvLayerGroups: [{ layers: 5, kvHeads: 2, keyLength: 32, valueLength: 32, windowTokens: null }],
  recurrentStateBytes: 0,
  headCount: 4,
  embeddingLength: 128,
  feedForwardLength: 384,
  vocabularySize: 4096,
  experts: null,
}

function demoFile(name: string): string {
  return fileURLToPath(new URL(`../../../resources/demo-models/${name}`, import.meta.url))
}
