import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import { AppError } from '../../contract/errors.ts'
import type { Control } from './generate.ts'

/** Reads tokens into a sequence, a batch at a time. How long it stood still, in milliseconds. Ends as `mayGoOn` says, within one batch. */
export async function readTokens(
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
  control: Control,
): Promise<number> {
  const { batchSize } = sequence.context
  let pausedMs = 0
  for (let at = 0; at < tokens.length; at += batchSize) {
    pausedMs += await mayGoOn(control)
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + batchSize))
  }
  return pausedMs
}

/** Waits at the gate; for how long, in milliseconds. Rejects with the reason of `signal`, or with `MODEL_FAILED` after `stop`. */
export async function mayGoOn({ gate, stop, signal }: Control): Promise<number> {
  const pausedMs = await gate.pass([stop, signal])
  signal?.throwIfAborted()
  if (stop.aborted) throw new AppError('MODEL_FAILED', 'Cannot read on: it was stopped')
  return pausedMs
}
