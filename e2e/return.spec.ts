import type { Page } from '@playwright/test'
import type { PoolSnapshot } from '../src/contract/memory.ts'
import { expect, test, type PlenumApp } from './app.ts'
import { demoNames } from './model-files.ts'
import { act, ask, block, chooseModel, expectResidents, leaveRoom, poolPane, showModels } from './screen.ts'

const guide = 'demo-guide-2.2m-f16'

test.beforeEach(async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
})

test.describe('a pool whose size is set in the window', () => {
  test.use({ flags: [] })

  test('a name told before the model had to leave, and before a restart, is remembered without reading it again', async ({
    app,
    page,
  }) => {
    for (const name of ['Coder', 'Judge']) {
      await act(page, name, 'Pin')
      await expect(block(page, name, 'pinned')).toBeVisible()
    }
    await chooseModel(page, 'Guide')
    expect(await ask(page, 'My name is Nora.', 'Guide')).toContain('Nora')
    const told = await usedTokens(page, 'Guide')

    // Others may not leave.
    await leaveRoom(page, -30)
    await expectResidents(page, ['Coder', 'Judge'])
    await leaveRoom(page, 200)
    const answer = await ask(page, 'What is my name?', 'Guide')
    expect(answer).toContain('Nora')
    expect(answer).toContain(` ${String(told)} reused`)

    const held = await usedTokens(page, 'Guide')
    await app.restart()
    await openAgain(app)
    const later = await ask(app.page, 'What is my name?', 'Guide')
    expect(later).toContain('Nora')
    expect(later).toContain(` ${String(held)} reused`)
  })
})

test('a context begins small and grows, which the pool shows; a kill loses nothing that was idle for a while', async ({
  app,
  page,
}) => {
  test.skip(app.kind === 'desktop', 'Needs the REST side')
  test.setTimeout(120_000)
  const options = { loadOptions: { startContextTokens: 256 } }
  await app.rest(`/models/${guide}`, { method: 'PATCH', body: JSON.stringify(options) })
  await act(page, 'Guide', 'Unload')
  await expectResidents(page, ['Coder', 'Judge'])
  await chooseModel(page, 'Guide')
  await ask(page, 'My name is Nora.', 'Guide')
  expect(await contextTokens(page, 'Guide')).toBe(256)
  for (let turn = 0; turn < 12 && (await usedTokens(page, 'Guide')) < 256; turn++)
    await ask(page, 'How do I pin a model?', 'Guide')
  expect(await contextTokens(page, 'Guide')).toBe(512)
  await expect(page.getByRole('region', { name: 'Activity' })).toContainText(
    /context grown from 256 tokens to 512 tokens/i,
  )

  const guideContext = async () => {
    const pool = (await (await app.rest('/pool')).json()) as PoolSnapshot
    return pool.residents.find(({ modelId }) => modelId === guide)?.contexts[0]
  }
  await expect.poll(async () => (await guideContext())?.isParked, { timeout: 60_000 }).toBe(true)
  const held = (await guideContext())?.usedTokens
  await app.restart({ signal: 'SIGKILL' })
  await openAgain(app)
  const answer = await ask(app.page, 'What is my name?', 'Guide')
  expect(answer).toContain('Nora')
  expect(answer).toContain(` ${String(held)} reused`)
})

/** After a restart: the models and the conversation of the last session. */
async function openAgain({ page }: PlenumApp): Promise<void> {
  const offer = page.getByRole('region', { name: 'Models of the last session' })
  await offer.getByRole('button', { name: 'Load again' }).click()
  await showModels(page)
  await expectResidents(page, demoNames)
  const list = page.getByRole('navigation', { name: 'Conversations' })
  await list.getByRole('button', { name: 'My name is Nora.', exact: true }).click()
  await chooseModel(page, 'Guide')
}

/** What the pool's table says of a model's tokens, as "29 of 512". */
async function tokensOf(page: Page, name: string): Promise<readonly number[]> {
  await page.getByRole('group', { name: 'What the pool shows' }).getByText('Table').click()
  const row = poolPane(page)
    .getByRole('table')
    .first()
    .getByRole('row', { name: new RegExp(name) })
  const text = await row.getByRole('cell', { name: / of / }).innerText()
  await showModels(page)
  return text.split(' of ').map(Number)
}

async function usedTokens(page: Page, name: string): Promise<number> {
  return (await tokensOf(page, name))[0] ?? NaN
}

async function contextTokens(page: Page, name: string): Promise<number> {
  return (await tokensOf(page, name))[1] ?? NaN
}
