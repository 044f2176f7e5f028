import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { conversationEventSchema, turnSchema } from '../src/contract/conversation.ts'
import { loadPreviewSchema, measurementSchema, poolSnapshotSchema } from '../src/contract/memory.ts'
import type { PoolSnapshot } from '../src/contract/memory.ts'
import { libraryModelSchema } from '../src/contract/model.ts'
import type { PlenumApp } from './app.ts'
import { expect, test } from './app.ts'
import { demoFolder, demoNames, writeModel } from './model-files.ts'
import { expectResidents, showModels } from './screen.ts'

const guide = 'demo-guide-2.2m-f16'
const judge = 'demo-judge-2.2m-q8_0'

test.beforeEach(async ({ page }) => {
  await showModels(page)
  await expectResidents(page, demoNames)
})

test('the pool adds up', async ({ app }) => {
  const pool = await readPool(app)
  expect(pool.residents.map(({ name, state }) => [name, state]).toSorted()).toEqual(
    demoNames.map((name) => [name, 'ready']).toSorted(),
  )
  for (const domain of pool.domains) {
    const parts = pool.residents.flatMap(({ footprint }) =>
      footprint.filter((part) => part.domain === domain.id),
    )
    expect(parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(domain.usedBytes)
    expect(domain.reserveBytes + domain.otherBytes + domain.usedBytes + domain.freeBytes).toBe(
      domain.totalBytes,
    )
  }
  expect(pool.counters).toMatchObject({ loads: 3, crashes: 0 })
})

test('models are listed, unloaded, loaded, pinned and unpinned', async ({ app, page }) => {
  const list = (await (await app.rest('/models')).json()) as unknown[]
  expect(list.map((entry) => libraryModelSchema.parse(entry).name).toSorted()).toEqual(demoNames.toSorted())

  expect((await app.rest(`/models/${judge}/unload`, { method: 'POST' })).status).toBe(200)
  await expectResidents(page, ['Guide', 'Coder'])
  expect((await app.rest(`/models/${judge}/load`, { method: 'POST' })).status).toBe(200)
  expect((await app.rest(`/models/${judge}/pin`, { method: 'POST' })).status).toBe(200)
  await expectResidents(page, demoNames)
  expect((await readPool(app)).residents.find(({ modelId }) => modelId === judge)?.pinned).toBe(true)
  expect((await app.rest(`/models/${judge}/unpin`, { method: 'POST' })).status).toBe(200)
  expect((await readPool(app)).residents.find(({ modelId }) => modelId === judge)?.pinned).toBe(false)
})

test('a load is previewed with the options of a query, and leaves a history', async ({ app }) => {
  const preview = async (query: string) => {
    const response = await app.rest(`/models/${judge}/preview?${query}`)
    return { status: response.status, body: (await response.json()) as unknown }
  }
  expect((await app.rest(`/models/${judge}/unload`, { method: 'POST' })).status).toBe(200)
  const kvBytes = async (query: string) => {
    const { contextTokens, footprint, verdict } = loadPreviewSchema.parse((await preview(query)).body)
    expect([contextTokens, verdict.kind]).toEqual([512, 'fits'])
    return footprint.find(({ part }) => part === 'kvCache')?.bytes ?? 0
  }
  const f16 = await kvBytes('contextTokens=512&flashAttention=on&threads=1&batchTokens=256')
  expect(await kvBytes('contextTokens=512&kvType=q8_0&fileAccess=direct')).toBeCloseTo((f16 * 34) / 64, -1)
  expect(await preview('contextTokens=many')).toMatchObject({ status: 400, body: { code: 'BAD_INPUT' } })
  expect(await preview('kvType=q3')).toMatchObject({ status: 400, body: { code: 'BAD_INPUT' } })

  const history = (await (await app.rest(`/models/${judge}/history`)).json()) as unknown[]
  const [latest] = history.map((entry) => measurementSchema.parse(entry))
  expect(latest?.backend).toBe('CPU')
  expect(latest?.measured.length).toBeGreaterThan(0)
  expect(latest?.reading?.ms).toBeGreaterThan(0)
  expect((await app.rest('/models/nobody/history')).status).toBe(404)
})

test('a model is added by its path and by an upload', async ({ app }) => {
  const file = await writeModel(path.join(app.dataFolder, 'desk-guide.gguf'), 'Desk Guide')
  const added = await app.rest('/models', { method: 'POST', body: JSON.stringify({ path: file }) })
  expect(await added.json()).toMatchObject([{ kind: 'added', model: { name: 'Desk Guide', paths: [file] } }])

  const moon = await writeModel(path.join(app.dataFolder, 'moon.gguf'), 'Moon Guide')
  const { origin, searchParams } = app.url
  const uploaded = await fetch(`${origin}/upload/${encodeURIComponent('../moon guide.gguf')}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${searchParams.get('token') ?? ''}` },
    body: await readFile(moon),
  })
  expect(await uploaded.json()).toMatchObject([
    { model: { name: 'Moon Guide', paths: [path.join(app.dataFolder, 'models', 'moon guide.gguf')] } },
  ])
})

test('a turn is answered whole, and as a stream of events', async ({ app }) => {
  const conversation = (await (await app.rest('/conversations', { method: 'POST', body: '{}' })).json()) as {
    id: string
  }
  const turns = `/conversations/${conversation.id}/turns`
  const whole = await app.rest(turns, {
    method: 'POST',
    body: JSON.stringify({ text: 'My name is Nora.', modelId: guide }),
  })
  const turn = turnSchema.parse(await whole.json())
  expect(turn.answers[0]).toMatchObject({ modelId: guide, state: { kind: 'done', stopReason: 'end' } })

  const streamed = await app.rest(turns, {
    method: 'POST',
    body: JSON.stringify({ text: 'What is my name?', modelId: guide, stream: true }),
  })
  expect(streamed.headers.get('content-type')).toContain('text/event-stream')
  const events = readEvents(await streamed.text()).map((event) => conversationEventSchema.parse(event))
  const text = events.flatMap((event) => (event.kind === 'text' ? [event.text] : [])).join('')
  expect(text).toContain('Nora')
  const last = events.findLast((event) => event.kind === 'turn')
  expect(last?.turn.answers[0]).toMatchObject({ text, state: { kind: 'done' } })
  expect(last?.turn.answers[0]?.stats?.reusedTokens).toBeGreaterThan(0)

  const kept = (await (await app.rest(`/conversations/${conversation.id}`)).json()) as { turns: unknown[] }
  expect(kept.turns).toHaveLength(2)
})

test('errors say what is wrong', async ({ app }) => {
  const cases = [
    [await app.rest('/models/nobody/load', { method: 'POST' }), 404, 'NOT_FOUND'],
    [await app.rest('/models', { method: 'POST', body: '{}' }), 400, 'BAD_INPUT'],
    [await app.rest('/nothing'), 404, 'NOT_FOUND'],
  ] as const
  for (const [response, status, code] of cases) {
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ code, message: expect.stringMatching(/\w/) })
  }
  const junk = await app.rest('/models', {
    method: 'POST',
    body: JSON.stringify({ path: path.join(demoFolder, 'corpus.py') }),
  })
  expect(await junk.json()).toMatchObject([{ kind: 'refused', problem: { code: 'BAD_MODEL_FILE' } }])
})

test('the OpenAPI document describes every route', async ({ app }) => {
  const document = (await (await app.rest('/openapi.json')).json()) as {
    paths: Record<string, Record<string, { responses: Record<string, { content: object }> }>>
  }
  const routes = Object.entries(document.paths).flatMap(([route, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${route}`),
  )
  expect(routes).toEqual(
    expect.arrayContaining([
      'GET /pool',
      'GET /models',
      'POST /models',
      'POST /models/{id}/load',
      'POST /models/{id}/unload',
      'POST /models/{id}/pin',
      'POST /models/{id}/unpin',
      'POST /conversations',
      'GET /conversations/{id}',
      'POST /conversations/{id}/turns',
    ]),
  )
  const answers = document.paths['/conversations/{id}/turns']?.['post']?.responses['200']?.content
  expect(Object.keys(answers ?? {})).toEqual(['application/json', 'text/event-stream'])
})

async function readPool(app: PlenumApp): Promise<PoolSnapshot> {
  return poolSnapshotSchema.parse(await (await app.rest('/pool')).json())
}

/** The data of server-sent "message" events. */
function readEvents(text: string): unknown[] {
  return text
    .split('\n\n')
    .filter((event) => event.includes('event: message'))
    .flatMap((event) => /^data: (.*)$/m.exec(event)?.slice(1) ?? [])
    .map((data) => JSON.parse(data) as unknown)
}

test('a turn is asked with instructions, sampling, a JSON schema and attachments of its own', async ({
  app,
}) => {
  const post = async (pathname: string, body: unknown) => {
    const response = await app.rest(pathname, { method: 'POST', body: JSON.stringify(body) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const conversation = await post('/conversations', { asking: { sampling: { temperature: 0.4, topK: 7 } } })
  const turns = `/conversations/${String(conversation.body['id'])}/turns`
  const attached = await post('/attachments', {
    ...{ name: 'notes.txt', data: Buffer.from('The code is 7.').toString('base64') },
  })
  expect(attached.body).toMatchObject({ name: 'notes.txt', kind: 'text', characters: 14 })
  const asked = await post(turns, {
    ...{ text: 'What is unified memory?', modelId: guide, attachmentIds: [attached.body['id']] },
    ...{ instructions: 'Be brief.', sampling: { temperature: 0, maxTokens: 200 } },
    jsonSchema: { type: 'object', properties: { kind: { enum: ['question', 'order'] } } },
  })
  const turn = turnSchema.parse(asked.body)
  expect(turn.attachments).toMatchObject([{ name: 'notes.txt' }])
  const [answer] = turn.answers
  expect(answer).toMatchObject({ isJson: true, sampling: { temperature: 0, topK: 7, maxTokens: 200 } })
  expect(['question', 'order']).toContain((JSON.parse(answer?.text ?? '') as { kind: string }).kind)

  // The conversation is asked as before.
  const plain = turnSchema.parse((await post(turns, { text: 'And now?', modelId: guide })).body)
  expect(plain.answers[0]).toMatchObject({ sampling: { temperature: 0.4, topK: 7, maxTokens: null } })
  expect(plain.answers[0]?.isJson).toBeUndefined()

  const refused = await post(turns, { text: 'No', modelId: guide, jsonSchema: '{"anyOf": []}' })
  expect(refused).toMatchObject({ status: 400, body: { code: 'BAD_INPUT' } })
  expect(String(refused.body['message'])).toContain('"anyOf" cannot be followed')
})
