import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { MB } from '../../contract/bytes.ts'
import type { Turn } from '../../contract/conversation.ts'
import { startTestHost } from './testing-host.ts'

const guide = 'demo-guide-2.2m-f16'
const coder = 'demo-coder-2.2m-f16'

/** A host with two demo models in memory at least, which reads ahead at once. */
async function startHost() {
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'plenum-warming-'))
  const room = { poolSizeBytes: 1024 * MB, reserveBytes: 64 * MB }
  const { host, client } = await startTestHost(dataFolder, { ...room, warmingQuietMs: 20 })
  onTestFinished(async () => {
    await host[Symbol.asyncDispose]()
    rmSync(dataFolder, { recursive: true, force: true })
  })
  await Promise.all([guide, coder].map(async (id) => client.models.load({ id })))
  const used = async (modelId: string, conversationId: string) => {
    const { residents } = await client.pool.get()
    const contexts = residents.find((resident) => resident.modelId === modelId)?.contexts ?? []
    return contexts.find((context) => context.conversationId === conversationId)?.usedTokens ?? 0
  }
  return {
    ...{ host, client, used },
    ask: async (id: string, text: string, modelId: string) =>
      ((await client.turns.ask({ id, text, modelId })) as Turn).answers[0]!,
    /** Once a model holds so many tokens of a conversation. */
    untilRead: (modelId: string, conversationId: string, tokens: number) =>
      expect.poll(() => used(modelId, conversationId), { timeout: 20_000 }).toBeGreaterThanOrEqual(tokens),
  }
}

test(
  'who has answered before has read what others said by the time it is asked again',
  { timeout: 120_000 },
  async () => {
    const { client, ask, used, untilRead } = await startHost()
    const { id } = await client.conversations.create({})
    await ask(id, 'My name is Nora.', coder)
    const before = await used(coder, id)
    for (const text of ['How do I pin a model?', 'What is unified memory?', 'What is a KV cache?'])
      await ask(id, text, guide)
    const { lastUsedAt } = (await client.pool.get()).residents.find(({ modelId }) => modelId === coder)!
    const held = await used(guide, id)
    await untilRead(coder, id, held)
    expect(before).toBeLessThan(held / 2)
    const pool = await client.pool.get()
    const resident = pool.residents.find(({ modelId }) => modelId === coder)!
    // That was no use of the model.
    expect([resident.lastUsedAt, resident.state]).toEqual([lastUsedAt, 'ready'])

    const { text, stats } = await ask(id, 'What is my name?', coder)
    expect(text).toContain('Nora')
    // All but the question.
    expect(stats!.reusedTokens).toBeGreaterThanOrEqual(held)
    expect(stats!.promptTokens - stats!.reusedTokens).toBeLessThan(20)

    // It answers as if it had read all of it when it was asked, as it does where this is off.
    const texts: string[] = []
    for (const warming of [false, true]) {
      await client.settings.set({ warming })
      const { id: other } = await client.conversations.create({})
      await ask(other, 'My name is Nora.', coder)
      const unread = await used(coder, other)
      await ask(other, 'How do I pin a model?', guide)
      if (warming) await untilRead(coder, other, await used(guide, other))
      else {
        await new Promise((resolve) => setTimeout(resolve, 300))
        expect(await used(coder, other)).toBe(unread)
      }
      texts.push((await ask(other, 'What is my name?', coder)).text)
    }
    expect(texts[1]).toBe(texts[0])
  },
)
