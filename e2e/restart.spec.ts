import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'
import { act, ask, block, chooseModel, expectResidents, showModels } from './screen.ts'

for (const signal of [undefined, 'SIGKILL'] as const) {
  const how = signal === undefined ? 'a restart' : 'a crash of the whole app'
  test(`${how} loses nothing`, async ({ app }) => {
    await showModels(app.page)
    await expectResidents(app.page, demoNames)
    await act(app.page, 'Guide', 'Pin')
    await expect(block(app.page, 'Guide', 'pinned')).toBeVisible()
    await chooseModel(app.page, 'Guide')
    expect(await ask(app.page, 'My name is Nora.', 'Guide')).toContain('Nora')
    // What was said in the last second may be lost with the process.
    if (signal) await app.page.waitForTimeout(1100)

    await app.restart(signal && { signal })
    const { page } = app
    const offer = page.getByRole('region', { name: 'Models of the last session' })
    for (const name of demoNames) await expect(offer).toContainText(name)
    await offer.getByRole('button', { name: 'Load again' }).click()
    await showModels(page)
    await expectResidents(page, demoNames)
    await expect(block(page, 'Guide', 'pinned')).toBeVisible()

    const list = page.getByRole('navigation', { name: 'Conversations' })
    await list.getByRole('button', { name: 'My name is Nora.', exact: true }).click()
    await expect(page.getByRole('article', { name: 'Answer by Guide' })).toContainText('Nora')
    await chooseModel(page, 'Guide')
    expect(await ask(page, 'What is my name?', 'Guide')).toContain('Nora')
  })
}
