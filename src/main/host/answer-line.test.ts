import { expect, test } from 'vitest'
import { AnswerLine } from './answer-line.ts'

/** Lets what has been resolved go on. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function enterAll(line: AnswerLine, keys: string[]) {
  const log: string[] = []
  const leave = new Map<number, Disposable>()
  for (const [index, key] of keys.entries()) {
    void line
      .enter(key, { onWait: (ahead) => log.push(`${key} waits for ${String(ahead)}`) })
      .then((turn) => {
        log.push(`${key} starts`)
        leave.set(index, turn)
      })
  }
  return { log, leave: (index: number) => leave.get(index)?.[Symbol.dispose]() }
}

test('lets one in at a time, in order, and tells how many are ahead', async () => {
  const { log, leave } = enterAll(new AnswerLine(1), ['a', 'b', 'c'])
  await settle()
  leave(0)
  leave(0)
  await settle()
  leave(1)
  await settle()
  expect(log).toEqual(['b waits for 1', 'c waits for 2', 'a starts', 'c waits for 1', 'b starts', 'c starts'])
})

test('with more places it still gives each key one turn at a time', async () => {
  const { log, leave } = enterAll(new AnswerLine(2), ['a', 'a', 'b', 'c'])
  await settle()
  expect(log.filter((line) => line.endsWith('starts'))).toEqual(['a starts', 'b starts'])
  leave(0)
  await settle()
  expect(log.filter((line) => line.endsWith('starts'))).toEqual(['a starts', 'b starts', 'a starts'])
})

test('who aborts while waiting leaves the line, and others move up', async () => {
  const line = new AnswerLine(1)
  const controller = new AbortController()
  const first = await line.enter('a')
  const second = line.enter('b', { signal: controller.signal })
  const ahead: number[] = []
  const third = line.enter('c', { onWait: (count) => ahead.push(count) })
  controller.abort('gone')
  await expect(second).rejects.toBe('gone')
  await expect(line.enter('d', { signal: controller.signal })).rejects.toBe('gone')
  expect(ahead).toEqual([2, 1])
  first[Symbol.dispose]()
  await third
})

test('a closed line turns away who waits and who comes', async () => {
  const line = new AnswerLine(1)
  await line.enter('a')
  const waiting = line.enter('b')
  line.close(new Error('over'))
  await expect(waiting).rejects.toThrow('over')
  await expect(line.enter('c')).rejects.toThrow('over')
})
