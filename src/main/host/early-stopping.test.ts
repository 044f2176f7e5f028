import { expect, onTestFinished, test } from 'vitest'
import { ask, demoFiles, goOn, startTestModel } from './testing-demo-model.ts'

/** A penalty below 1 rewards repetition: every model goes round in circles with it. */
const loops = { repeatPenalty: 0.4, repeatWindowTokens: 16, maxTokens: 900 }
const question = 'How do I pin a model?'

async function startGuide() {
  const model = startTestModel(demoFiles.guide)
  onTestFinished(() => model[Symbol.asyncDispose]())
  await model.load()
  return model
}

test('ends an answer that goes round in circles, keeps what is written, and lets it go on', async () => {
  const model = await startGuide()
  const endless = await ask(model, { id: 'endless', messages: [] }, question, { sampling: loops })
  expect(endless.done).toMatchObject({ stopReason: 'max-tokens', generatedTokens: 900 })
  const conversation = { id: 'one', messages: [] }
  const { answer, done } = await ask(model, conversation, question, {
    sampling: loops,
    stopsRepetition: true,
  })
  expect(done.stopReason).toBe('repetition')
  expect(done.generatedTokens).toBeLessThan(700)
  expect(endless.answer.startsWith(answer)).toBe(true)
  expect(done.repeated).toBe('the')
  expect(answer.split(done.repeated ?? '').length).toBeGreaterThan(3)
  // Without the reward it finds its way out.
  const rest = await goOn(model, conversation)
  expect(rest.done.reusedTokens).toBeGreaterThan(done.generatedTokens)
})
