import { formatBytes } from '../../contract/bytes.ts'
import type { Resident } from '../../contract/memory.ts'
import type { FileAccess } from '../../contract/model.ts'
import type { Fact } from '../ui/fact-list.tsx'
import { formatCount } from '../ui/format.ts'

const accessWords: Readonly<Record<FileAccess, string>> = {
  mmap: 'Mapped: weights are shared with the system’s cache',
  direct: 'Direct: weights are read past the system’s cache',
  read: 'Read: weights are copied into memory of its own',
}

/** How a resident is loaded, in words; nothing before it is. */
export function loadedWithFacts(resident: Resident): readonly Fact[] {
  const { loadedWith, contextLimitTokens, kvBudgetBytes, kvBytesPerToken, fileAccessReason } = resident
  if (!loadedWith) return []
  const {
    contextTokens,
    gpuLayers,
    kvType,
    flashAttention,
    batchTokens,
    threads,
    fileAccess,
    fullWindowCache,
    draft,
  } = loadedWith
  const grows =
    contextLimitTokens > contextTokens ? `, grows to ${formatCount(contextLimitTokens)} as it fills up` : ''
  const budgetTokens =
    kvBytesPerToken > 0 ? `, ${formatCount(kvBudgetBytes / kvBytesPerToken)} tokens of all conversations` : ''
  return [
    { name: 'Context', value: `${formatCount(contextTokens)} tokens${grows}` },
    { name: 'KV cache', value: `${kvType}, ${formatBytes(kvBytesPerToken)} a token` },
    { name: 'KV budget', value: `${formatBytes(kvBudgetBytes)}${budgetTokens}` },
    { name: 'Layers on the GPU', value: gpuLayers === null ? null : formatCount(gpuLayers) },
    { name: 'Sliding windows', value: fullWindowCache ? 'Keep what has left them' : null },
    { name: 'Flash attention', value: flashAttention ? 'On' : 'Off' },
    { name: 'Batch', value: `${formatCount(batchTokens)} tokens at once` },
    {
      name: 'Draft model',
      value: draft ? `${draft.name}, ${formatCount(draft.contextTokens)} tokens` : null,
    },
    { name: 'Threads', value: formatCount(threads) },
    {
      name: 'File access',
      value: accessWords[fileAccess] + (fileAccessReason === undefined ? '' : ` (${fileAccessReason})`),
    },
  ]
}
