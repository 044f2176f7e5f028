import { expect, test } from './app.ts'

test('scripts can delete, restore, pin, archive, search, export and import conversations', async ({
  app,
}) => {
  const call = async (method: string, pathname: string, body?: unknown) => {
    const response = await app.rest(pathname, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: response.status, response }
  }
  const read = async (method: string, pathname: string, body?: unknown): Promise<unknown> =>
    (await call(method, pathname, body)).response.json()
  const made = (await read('POST', '/conversations', { title: 'Needles and pins' })) as { id: string }
  const place = `/conversations/${made.id}`
  expect(await read('PATCH', place, { isPinned: true, isArchived: true })).toMatchObject({
    isPinned: true,
    isArchived: true,
  })
  expect(await read('GET', '/search?query=needl')).toMatchObject({
    hits: [{ kind: 'title', conversationId: made.id }],
    hasMore: false,
  })
  expect((await call('GET', '/search?query=%22%28')).status).toBe(200)

  const markdown = (await call('GET', `${place}/export?format=markdown`)).response
  expect(markdown.headers.get('content-type')).toContain('text/markdown')
  expect(markdown.headers.get('content-disposition')).toContain('Needles and pins.md')
  expect(await markdown.text()).toContain('# Needles and pins')
  const file = await read('GET', '/conversations/export')
  expect(file).toMatchObject({ format: 'plenum-conversations', version: 1, conversations: [{ id: made.id }] })
  expect(await read('POST', '/conversations/import', file)).toMatchObject({ conversations: 0, known: 1 })
  const chats = [{ title: 'Chat', chat: { messages: [{ role: 'user', content: 'Hi' }] } }]
  expect(await read('POST', '/conversations/import', chats)).toMatchObject({
    source: 'open-webui',
    conversations: 1,
  })
  expect(await read('POST', '/conversations/import', { a: 1 })).toMatchObject({ code: 'BAD_INPUT' })

  expect((await call('DELETE', place)).status).toBeLessThan(300)
  expect((await call('GET', place)).status).toBe(404)
  expect((await call('GET', `${place}/export`)).status).toBe(404)
  expect(await read('GET', '/search?query=needl')).toEqual({ hits: [], hasMore: false })
  expect(await read('POST', `${place}/restore`)).toMatchObject({ id: made.id })
  expect((await call('GET', place)).status).toBe(200)
  expect((await call('POST', '/conversations/nobody/restore')).status).toBe(404)
})
