import { expect, test } from './app.ts'
import { recordConversation } from './recorded.ts'

const hostile: Readonly<Record<string, string>> = {
  scripts:
    '<script>document.body.dataset.ran = 1</script>\n\n<img src=x onerror="document.body.dataset.ran = 2">\n\n<svg/onload=alert(1)> <iframe srcdoc="<script>alert(1)</script>"></iframe>\n\n<style>body{display:none}</style><base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example">',
  links:
    '[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](  javascript:alert(1)) [d](java\\script:alert(1)) [e](&#106;avascript:alert(1)) [f](vbscript:msgbox(1)) [g](data:text/html;base64,PHNjcmlwdD4=) <javascript:alert(1)> [h](\u0001javascript:alert(1)) [i](javascript&colon;alert(1)) [j](blob:https://a/b) [k](//evil.example) [l](file:///etc/passwd)',
  images:
    '![x](https://evil.example/pixel.png) ![y](data:image/svg+xml,<svg onload=alert(1)>)\n\n[![z](https://evil.example/a.png)](https://evil.example)',
  formulas:
    '$\\href{javascript:alert(1)}{x}$ $\\includegraphics{https://evil.example/a.png}$ $\\htmlData{a=b}{x}$ $\\def\\a{\\a\\a}\\a$ $\\rule{1000000em}{1000000em}$ $\\htmlStyle{color:red}{x}$',
  'a line of 1 MB': 'x'.repeat(1_000_000),
  '5 MB of text': 'All work and **no play** makes `code` dull. '.repeat(120_000),
  '5 MB of paragraphs': 'A paragraph.\n\n'.repeat(360_000),
  'deep quotes': `${'>'.repeat(20_000)} deep`,
  'deep lists': Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(2 * depth)}- ${String(depth)}`).join(
    '\n',
  ),
  brackets: '['.repeat(50_000) + ']('.repeat(20_000),
  stars: '*a **b _c '.repeat(20_000),
  backticks: Array.from({ length: 400 }, (_, length) => '`'.repeat(length)).join(' '),
  dollars: '$\\( \\[ '.repeat(20_000),
  'a wide table': `|${'a|'.repeat(3000)}\n|${'-|'.repeat(3000)}\n${`|${'b|'.repeat(3000)}\n`.repeat(20)}`,
  'one huge code block': `\`\`\`js\n${'let a = { b: [1, 2, "c"] };\n'.repeat(100_000)}\`\`\``,
  bidi: 'if access == "user\u202E\u2066// check admin\u2069 \u2066" { \u202Etxt.exe }',
  controls: 'a\0b\u0007c\u001B[31md\u009Fe\r\nf',
  broken: 'half \uD800 of one, and \uDFFF of another \uFFFD',
  zalgo: `Z${'\u0300\u0301\u0489'.repeat(3000)}algo`,
}

test('hostile answers and messages are drawn harmlessly, and the page goes on answering', async ({
  app,
  context,
}) => {
  test.slow()
  for (const [title, text] of Object.entries(hostile))
    recordConversation(app.dataFolder, title, [{ text, answer: text }])
  await app.restart()
  const { page } = app
  const dialogs: string[] = []
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message())
    void dialog.dismiss()
  })
  const outside: string[] = []
  const own = new URL(page.url()).origin
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (protocol.startsWith('http') && origin !== own) outside.push(request.url())
  })
  const box = page.getByRole('textbox', { name: 'Message' })
  for (const title of Object.keys(hostile)) {
    await page.getByRole('button', { name: title, exact: true }).click()
    await expect(page.getByRole('article', { name: 'Your message' })).toBeVisible()
    await expect(page.getByRole('article', { name: /^Answer by/ })).toBeVisible()
    // It answers: a key that is pressed is seen.
    await box.fill('')
    await box.press('k')
    await expect(box).toHaveValue('k')
    const found = await page.getByRole('article').evaluateAll((articles) => ({
      elements: articles.flatMap((article) =>
        [
          ...article.querySelectorAll('script, img, iframe, object, embed, base, meta, link, style, form'),
        ].map(({ tagName }) => tagName),
      ),
      addresses: articles
        .flatMap((article) => [...article.querySelectorAll('a')].map(({ protocol }) => protocol))
        .filter((protocol) => !['https:', 'http:', 'mailto:'].includes(protocol)),
      handlers: articles.flatMap((article) =>
        [...article.querySelectorAll('*')].flatMap((element) =>
          element.getAttributeNames().filter((name) => name.startsWith('on')),
        ),
      ),
      isWide: articles.some((article) => article.scrollWidth > article.clientWidth + 1),
    }))
    expect({ title, ...found }).toEqual({ title, elements: [], addresses: [], handlers: [], isWide: false })
  }
  await box.fill('')
  expect(await page.locator('body[data-ran]').count()).toBe(0)
  expect({ dialogs, outside }).toEqual({ dialogs: [], outside: [] })
})

test('marks that turn text around are seen, and of a long text more comes at a press', async ({ app }) => {
  recordConversation(app.dataFolder, 'Turned', [
    { text: 'x'.repeat(1_000_000), answer: `${hostile['bidi']!}\n\n${'A paragraph.\n\n'.repeat(20_000)}` },
  ])
  await app.restart()
  const { page } = app
  await page.getByRole('button', { name: 'Turned', exact: true }).click()
  const answer = page.getByRole('article', { name: /^Answer by/ })
  await expect(answer).toContainText('⟨U+202E⟩txt.exe')
  const more = answer.getByRole('button', { name: /^Show more: [\d,]+ characters are left$/ })
  const before = await answer.getByRole('paragraph').count()
  await more.click()
  await expect(answer.getByRole('paragraph')).toHaveCount(2 * before)
  await page.getByRole('button', { name: 'Show all 1,000,000 characters' }).click()
  await expect(
    page
      .getByRole('article', { name: 'Your message' })
      .getByRole('button', { name: /800,000 characters are left/ }),
  ).toBeVisible()
})
