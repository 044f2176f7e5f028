import type { Llama } from 'node-llama-cpp'
import { getLlama, LlamaLogLevel, LlamaLogLevelGreaterThanOrEqual } from 'node-llama-cpp'

/** llama.cpp in this process, and the last error it logged: the reason when it refuses something. */
export interface OpenedLlama {
  readonly llama: Llama
  takeLastError(): string | null
}

/**
 * Opens llama.cpp on the device that `PLENUM_DEVICE` names: "cpu", or else the best that is there. Its errors go to stderr,
 * where the host reads a dying process's last words. One process opens it once.
 */
export async function openLlama(): Promise<OpenedLlama> {
  let lastError: string | null = null
  const llama = await getLlama({
    gpu: process.env['PLENUM_DEVICE'] === 'cpu' ? false : 'auto',
    build: 'never',
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    logger(level, message) {
      if (!LlamaLogLevelGreaterThanOrEqual(level, LlamaLogLevel.error)) return
      // The first of a row names the cause, those after it only that something failed.
      lastError ??= message.trim()
      process.stderr.write(`${message.trim()}\n`)
    },
  })
  return {
    llama,
    takeLastError() {
      const error = lastError
      lastError = null
      return error
    },
  }
}
