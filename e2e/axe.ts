import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'

/** What axe finds, one line for each rule: its name and the elements. */
export async function violations(page: Page): Promise<readonly string[]> {
  // Without a page of its own, which the desktop shell does not open.
  const { violations: found } = await new AxeBuilder({ page }).setLegacyMode(true).analyze()
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

/** The same in light and in dark. */
export async function violationsInBoth(page: Page): Promise<readonly string[]> {
  const all: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    all.push(...(await violations(page)).map((each) => `${colorScheme}: ${each}`))
  }
  return all
}
