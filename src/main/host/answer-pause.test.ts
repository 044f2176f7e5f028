import { expect, test } from 'vitest'
import { AnswerPause } from './answer-pause.ts'

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** An answer that notes what it is told. */
function newAnswer() {
  const told: string[] = []
  return {
    told,
    pause: async () => void told.push('pause'),
    resume: () => void told.push('resume'),
  }
}

test('keeps an answer from beginning until it may go on', async () => {
  const pause = new AnswerPause()
  const answer = newAnswer()
  await pause.pause()
  const log: string[] = []
  const begun = pause.begin(answer, undefined).then(() => log.push('begun'))
  await settled()
  expect(log).toEqual([])
  pause.resume()
  await begun
  expect(answer.told).toEqual([])
})

test('an answer that is stopped before it has begun does not begin', async () => {
  const pause = new AnswerPause()
  await pause.pause()
  const stop = new AbortController()
  const begun = pause.begin(newAnswer(), stop.signal)
  stop.abort('no longer wanted')
  await expect(begun).rejects.toBe('no longer wanted')
})

test('tells an answer that has begun, and leaves nothing standing still when that is over', async () => {
  const pause = new AnswerPause()
  const answer = newAnswer()
  const begun = await pause.begin(answer, undefined)
  await pause.pause()
  pause.resume()
  await pause.pause()
  begun[Symbol.dispose]()
  pause.resume()
  await pause.pause()
  expect(answer.told).toEqual(['pause', 'resume', 'pause', 'resume'])
})
