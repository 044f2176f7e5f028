import { expect, test } from 'vitest'
import { Gate } from './gate.ts'

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('is closed when every answer stands still or has ended, and lets all go on', async () => {
  const gate = new Gate()
  const log: string[] = []
  const one = gate.enter()
  const two = gate.enter()
  expect(await gate.pass([])).toBe(0)
  const closed = gate.close().then(() => log.push('closed'))
  const passed = gate.pass([]).then((ms) => log.push(ms >= 0 ? 'went on' : ''))
  await settled()
  expect(log).toEqual([])
  two[Symbol.dispose]()
  await closed
  expect(log).toEqual(['closed'])
  gate.open()
  await passed
  expect(log).toEqual(['closed', 'went on'])
  one[Symbol.dispose]()
})

test('closes at once when nothing is decoded, and an answer that is stopped passes it', async () => {
  const gate = new Gate()
  await gate.close()
  using _answer = gate.enter()
  const stop = new AbortController()
  const passed = gate.pass([undefined, stop.signal])
  stop.abort()
  await passed
  expect(await gate.pass([stop.signal])).toBe(0)
})
