import type { LlamaChatSession as Session } from 'node-llama-cpp'
import { getLlama, LlamaChatSession, resolveChatWrapper } from 'node-llama-cpp'

/** What the parent asks: first to load a file, then to answer, each question in a new conversation. */
export type DirectRequest =
  | {
      readonly kind: 'load'
      readonly path: string
      readonly contextTokens: number
      readonly flashAttention: boolean
    }
  | { readonly kind: 'ask'; readonly question: string; readonly maxTokens: number }
/** Decoding alone: tokens after the first, and the time from the first to the last. */
export type DirectAnswer = { readonly tokens: number; readonly decodeMs: number }

/** node-llama-cpp as its own documentation uses it, in one process and with one thread: what Plenum is measured against. */
async function main(): Promise<void> {
  const llama = await getLlama({ gpu: false, build: 'never', progressLogs: false })
  const state: { session?: Session } = {}
  process.on('message', (message) => {
    // Sent by `decode.ts`, the only parent of this program.
    void answer(message as DirectRequest).then((result) => process.send?.(result))
  })
  process.on('disconnect', () => process.exit())
  process.send?.('ready')

  async function answer(request: DirectRequest): Promise<DirectAnswer | null> {
    if (request.kind === 'load') {
      const model = await llama.loadModel({ modelPath: request.path, gpuLayers: 0 })
      const context = await model.createContext({
        contextSize: request.contextTokens,
        threads: 1,
        flashAttention: request.flashAttention ? 'auto' : false,
      })
      const chatWrapper = resolveChatWrapper(model)
      state.session = new LlamaChatSession({
        contextSequence: context.getSequence(),
        chatWrapper,
        systemPrompt: '',
      })
      return null
    }
    const { session } = state
    if (!session) throw new Error('No model is loaded')
    session.resetChatHistory()
    let tokens = 0
    let firstAt = 0
    let lastAt = 0
    await session.prompt(request.question, {
      maxTokens: request.maxTokens,
      temperature: 0,
      onToken(chunk) {
        lastAt = performance.now()
        if (tokens === 0) firstAt = lastAt
        tokens += chunk.length
      },
    })
    return { tokens: tokens - 1, decodeMs: lastAt - firstAt }
  }
}

await main()
