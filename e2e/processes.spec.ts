import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { lockDataFolder } from '../src/main/host/data-folder.ts'
import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { expectResidents, showModels } from './screen.ts'

test('a second host is kept off a data folder that is in use', async ({ app, page }) => {
  await expect(page.getByRole('radio', { name: 'Machine' })).toBeAttached()
  expect(() => lockDataFolder(app.dataFolder)).toThrow(`(process ${String(app.processId)}) has it open`)
})

test('its models end with the app, also when it is killed', async ({ app, page }) => {
  test.skip(process.platform !== 'linux', 'reads /proc')
  await showModels(page)
  await expectResidents(page, demoNames)
  const first = await modelProcessesOf(app.processId)
  expect(first.length).toBeGreaterThanOrEqual(3)
  await app.restart()
  await expect.poll(() => first.filter(isAlive)).toEqual([])

  await app.page.getByRole('button', { name: 'Load again' }).click()
  await expectResidents(app.page, demoNames)
  const second = await modelProcessesOf(app.processId)
  expect(second.length).toBeGreaterThanOrEqual(3)
  await app.restart({ signal: 'SIGKILL' })
  await expect.poll(() => second.filter(isAlive)).toEqual([])
})

async function modelProcessesOf(processId: number): Promise<number[]> {
  const text = await readFile(`/proc/${String(processId)}/task/${String(processId)}/children`, 'utf8')
  const children = text.split(/\s+/).filter(Boolean).map(Number)
  return children.filter((child) =>
    readFileSync(`/proc/${String(child)}/cmdline`, 'utf8').includes('model.js'),
  )
}

/** Whether it runs; one that has ended and that nobody has asked about does not. */
function isAlive(processId: number): boolean {
  try {
    const [, state] = readFileSync(`/proc/${String(processId)}/stat`, 'utf8').split(') ')
    return state?.startsWith('Z') === false
  } catch {
    return false
  }
}
