import { expect, onTestFinished, test } from 'vitest'
import type { GenerateEvent } from '../../contract/backend.ts'
import { greedySampling } from '../../contract/sampling.ts'
import { Arbiter } from '../core/arbiter.ts'
import type { Lease } from '../core/lease.ts'
import { FakeClock } from '../core/pool-fixture.ts'
import { leaseModel } from './model-lease.ts'
import type { ResidentModel } from './resident-model.ts'
import { demoFiles, startTestModel } from './testing-demo-model.ts'

async function load(file: string): Promise<ResidentModel> {
  const model = startTestModel(file)
  onTestFinished(() => model[Symbol.asyncDispose]())
  await model.load()
  return model
}

function leaseOf(modelId: string): Lease {
  return { modelId, signal: new AbortController().signal, [Symbol.dispose]: () => undefined }
}

test('two models answer one after the other, and background work stands still meanwhile', async () => {
  const [guide, coder] = await Promise.all([load(demoFiles.guide), load(demoFiles.coder)])
  const arbiter = new Arbiter(new FakeClock())
  const log: string[] = []
  const reasons: string[] = []
  const prefills: { tokens: number; ms: number }[] = []
  const written: number[] = []
  async function answer(model: ResidentModel, name: string, isBackground: boolean): Promise<GenerateEvent[]> {
    const onWait = (reason: string) => reasons.push(`${name}: ${reason}`)
    const onPrefill = (prefill: { tokens: number; ms: number }) => prefills.push(prefill)
    const onWritten = ({ answerTokens }: { answerTokens: number }) => written.push(answerTokens)
    const options = { name, arbiter, onWait, runsBeside: false, isBackground, onPrefill, onWritten }
    using lease = leaseModel(leaseOf(name), model, options)
    const events: GenerateEvent[] = []
    const { signal } = new AbortController()
    const messages = [{ role: 'user' as const, text: 'How do I pin a model?' }]
    const how = { signal, keepsRoom: false, continues: false, sampling: greedySampling, jsonSchema: null }
    for await (const event of lease.generate('conversation', messages, how)) {
      events.push(event)
      log.push(name)
      if (event.kind === 'text') first.resolve(null)
    }
    return events
  }
  const first = Promise.withResolvers<null>()
  const plain = textOf(await answer(guide, 'Guide', false))
  guide.forget('conversation')

  log.length = 0
  const background = answer(guide, 'Guide', true)
  await first.promise
  const answers = await Promise.all([answer(coder, 'Coder', false), background])
  expect(answers.map((events) => events.at(-1)?.kind)).toEqual(['done', 'done'])
  expect(textOf(answers[1])).toBe(plain)
  expect(reasons).toContain('Coder: Next in line behind "Guide"')
  expect(prefills.every(({ tokens, ms }) => tokens > 10 && ms > 0) && prefills.length).toBe(3)
  expect(written.every((tokens) => tokens > 10) && written.length).toBe(3)
  // The answer came in one piece.
  const coders = log.slice(log.indexOf('Coder'), log.lastIndexOf('Coder') + 1)
  expect(new Set(coders)).toEqual(new Set(['Coder']))
})

test('a choice goes before background work, which stands still meanwhile, and waits for an answer', async () => {
  const [guide, judge] = await Promise.all([load(demoFiles.guide), load(demoFiles.judge)])
  const arbiter = new Arbiter(new FakeClock())
  const reasons: string[] = []
  const newLease = (model: ResidentModel, name: string, isBackground = false) => {
    const onWait = (reason: string) => reasons.push(`${name}: ${reason}`)
    const options = {
      ...{ name, arbiter, onWait, runsBeside: false, isBackground },
      ...{ onPrefill: () => undefined, onWritten: () => undefined },
    }
    return leaseModel(leaseOf(name), model, options)
  }
  const { signal } = new AbortController()
  const log: string[] = []
  async function answer(isBackground: boolean, onText: () => void): Promise<void> {
    using lease = newLease(guide, 'Guide', isBackground)
    const messages = [{ role: 'user' as const, text: 'How do I pin a model?' }]
    const how = { signal, keepsRoom: false, continues: false, sampling: greedySampling, jsonSchema: null }
    for await (const event of lease.generate('conversation', messages, how))
      if (event.kind === 'text') onText()
    log.push('answer')
  }
  async function choose(): Promise<void> {
    using lease = newLease(judge, 'Judge')
    const messages = [
      { role: 'system' as const, text: 'You sort requests. Reply with one label: chat, code, math, memory.' },
      { role: 'user' as const, text: 'What is 7 plus 5?' },
    ]
    const { probabilities } = await lease.choose(null, messages, ['chat', 'code', 'math', 'memory'], {
      signal,
    })
    log.push(probabilities[2]! > 0.5 ? 'math' : 'something else')
  }
  for (const isBackground of [true, false]) {
    const first = Promise.withResolvers<null>()
    const answering = answer(isBackground, () => first.resolve(null))
    await first.promise
    await Promise.all([choose(), answering])
  }
  expect(log).toEqual(['math', 'answer', 'answer', 'math'])
  expect(reasons).toContain('Judge: Next in line behind "Guide"')
})

function textOf(events: readonly GenerateEvent[]): string {
  return events.flatMap((event) => (event.kind === 'text' ? [event.text] : [])).join('')
}
