import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** What people call this machine: its processor, without the marks of its makers. */
export function processorName(): string {
  const model = cpus()[0]
    ?.model.replaceAll(/\((?:R|TM)\)/gi, '')
    .trim()
  return model === undefined || model === '' || model === 'unknown'
    ? `${process.platform} ${process.arch}`
    : model
}

/**
 * Whether the processor has AMX, for which llama.cpp keeps most weights in an order of its own. Only Linux tells; elsewhere false. (llama.cpp
 * stops with an assertion there on DeepSeek's and Nemotron's shapes: https://github.com/ggml-org/llama.cpp/issues/18099.)
 */
export function hasAmx(): boolean {
  try {
    return (
      process.platform === 'linux' &&
      /^flags\s*:.*\bamx_int8\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'))
    )
  } catch {
    return false
  }
}
