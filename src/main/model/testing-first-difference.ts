import { getLlama } from 'node-llama-cpp'

/**
 * For the tests of other devices: says where two greedy answers to a question part, and how likely the CPU takes the next token of each
 * to be. A program of its own: `node testing-first-difference.ts FILE QUESTION ANSWER ANSWER`, for models that talk ChatML.
 */
async function main([modelPath = '', question = '', ...answers]: readonly string[]): Promise<void> {
  const llama = await getLlama({ gpu: false, build: 'never', progressLogs: false, maxThreads: 1 })
  const model = await llama.loadModel({ modelPath })
  const context = await model.createContext({ contextSize: 1024, threads: 1, flashAttention: false })
  const [one = [], other = []] = answers.map((text) => model.tokenize(text))
  const found = one.findIndex((token, index) => token !== other[index])
  const at = found === -1 ? one.length : found
  const common = one.slice(0, at)
  const prompt = model.tokenize(`<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`, true)
  const next = context.getSequence().evaluateWithMetadata([...prompt, ...common], { probabilities: true })
  for await (const { probabilities } of next) {
    // An answer that is over ends with the token that no text has.
    const tokens = [one[at] ?? model.tokens.eos, other[at] ?? model.tokens.eos]
    const likelihoods = tokens.map((token) => (token === null ? 0 : (probabilities.get(token) ?? 0)))
    process.send?.({ common: model.detokenize(common), likelihoods })
    break
  }
  await llama.dispose()
  process.disconnect()
}

await main(process.argv.slice(2))
