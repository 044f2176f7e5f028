import { formatBytes, GB, MB } from '../../contract/bytes.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import { NumberField } from '../ui/number-field.tsx'
import { SelectField } from '../ui/select-field.tsx'
import { SizeField } from '../ui/size-field.tsx'
import { Group, Setting, type GroupProps } from './setting.tsx'

const policies = [
  { value: 'cost', name: 'Cheapest to bring back' },
  { value: 'lru', name: 'Longest unused' },
  { value: 'lru_access', name: 'Least often used' },
] as const

/** How large the pool is, and how it makes room. */
export function PoolSettings({ settings, pool, save }: GroupProps & { readonly pool: PoolSnapshot | null }) {
  const machine = pool ? formatBytes(pool.machine.totalBytes) : 'what the machine has'
  // The settings are of the pool's first domain: the card's memory where it has its own.
  const domain = pool?.domains[0]
  const asDetected = domain?.id === 'unified' ? (pool?.machine.totalBytes ?? null) : null
  return (
    <Group title="Memory pool">
      <Setting
        effect={`How much of the machine's memory the pool may show and share out. Default: what the machine has.${inForce(settings.poolSizeBytes ?? asDetected, domain?.totalBytes)}`}
      >
        {(noteId) => (
          <SizeField
            label="Pool size"
            bytes={settings.poolSizeBytes}
            placeholder={machine}
            minBytes={64 * MB}
            describedBy={noteId}
            onCommit={(bytes) => save({ poolSizeBytes: bytes })}
          />
        )}
      </Setting>
      <Setting
        effect={`Kept free of models, so that the machine stays responsive. Default: a sixteenth of the pool, at least ${formatBytes(512 * MB)} and at most ${formatBytes(8 * GB)}.${inForce(settings.reserveBytes, domain?.reserveBytes)}`}
      >
        {(noteId) => (
          <SizeField
            label="Reserve"
            bytes={settings.reserveBytes}
            placeholder={
              pool && settings.reserveBytes === null ? formatBytes(domain?.reserveBytes ?? 0) : 'a sixteenth'
            }
            minBytes={0}
            describedBy={noteId}
            onCommit={(bytes) => save({ reserveBytes: bytes })}
          />
        )}
      </Setting>
      <Setting effect="Which idle model leaves first when another needs its room; pinned models and models that answer never leave. Default: cheapest to bring back.">
        {(noteId) => (
          <SelectField
            label="Who leaves first"
            value={settings.evictionPolicy}
            options={policies}
            describedBy={noteId}
            onChoose={(evictionPolicy) => save({ evictionPolicy })}
          />
        )}
      </Setting>
      <Setting effect="From this share of the pool on, KV caches that nobody uses go to disk or shrink, so that there is room before a model has to leave. Default: 85 %.">
        {(noteId) => (
          <NumberField
            label="Give idle KV caches back from"
            unit="%"
            value={Math.round(100 * settings.pressureShare)}
            placeholder="85"
            min={10}
            max={100}
            describedBy={noteId}
            onCommit={(percent) => save({ pressureShare: (percent ?? 85) / 100 })}
          />
        )}
      </Setting>
      <Setting effect="A model that nobody has used for this long is unloaded, unless it is pinned. Default: never.">
        {(noteId) => (
          <NumberField
            label="Unload when idle for"
            unit="minutes"
            value={settings.idleUnloadMinutes}
            placeholder="never"
            min={0.1}
            max={525_600}
            fractions
            describedBy={noteId}
            onCommit={(idleUnloadMinutes) => save({ idleUnloadMinutes })}
          />
        )}
      </Setting>
    </Group>
  )
}

/** Says so when a flag of the start overrules a setting. */
function inForce(bytes: number | null, actualBytes: number | undefined): string {
  if (bytes === null || actualBytes === undefined || bytes === actualBytes) return ''
  return ` Now ${formatBytes(actualBytes)}, as given at the start.`
}
