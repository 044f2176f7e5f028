import { formatBytes } from '../../contract/bytes.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'

/** The machine in a few words: "AMD EPYC · 23.5 GB unified · CPU", and the size of a pool that is only a slice of it. */
export function machineText(pool: Pick<PoolSnapshot, 'machine' | 'device' | 'domains'>): string {
  const { machine, device, domains } = pool
  const card = domains.find(({ id }) => id === 'vram')
  const main = domains.find(({ id }) => id !== 'vram')
  const memory = card
    ? `${formatBytes(machine.totalBytes)} RAM, ${formatBytes(card.totalBytes)} VRAM`
    : `${formatBytes(machine.totalBytes)} unified`
  const slice =
    main && main.totalBytes < machine.totalBytes ? `pool of ${formatBytes(main.totalBytes)}` : null
  return [machine.name, memory, device, slice].filter((part) => part !== null).join(' · ')
}
