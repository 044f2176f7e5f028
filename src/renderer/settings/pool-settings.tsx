import { formatBytes, GB, MB } from '../../contract/bytes.ts'
import { NumberField } from '../ui/number-field.tsx'
import { SelectField } from '../ui/select-field.tsx'
import { SizeField } from '../ui/size-field.tsx'
import type { SettingContext, SettingItem } from './setting-item.ts'

const policies = [
  { value: 'cost', name: 'Cheapest to bring back' },
  { value: 'lru', name: 'Longest unused' },
  { value: 'lru_access', name: 'Least often used' },
] as const

// The settings are of the pool's first domain: the card's memory where it has its own.
const domainOf = ({ pool }: SettingContext) => pool?.domains[0]

/** How large the pool is, and how it makes room. */
export const poolSettings: readonly SettingItem[] = [
  {
    id: 'poolSizeBytes',
    title: 'Pool size',
    section: 'Memory pool',
    unit: 'GB or MB',
    byDefault: 'what the machine has',
    effect: 'How much of the machine’s memory the pool may show and share out.',
    now: (context) => {
      const { settings, pool } = context
      const domain = domainOf(context)
      const asDetected = domain?.id === 'unified' ? (pool?.machine.totalBytes ?? null) : null
      return inForce(settings.poolSizeBytes ?? asDetected, domain?.totalBytes)
    },
    field: ({ settings, pool, save }, noteId) => (
      <SizeField
        label="Pool size"
        bytes={settings.poolSizeBytes}
        placeholder={pool ? formatBytes(pool.machine.totalBytes) : 'what the machine has'}
        minBytes={64 * MB}
        describedBy={noteId}
        onCommit={(bytes) => save({ poolSizeBytes: bytes })}
      />
    ),
  },
  {
    id: 'reserveBytes',
    title: 'Reserve',
    section: 'Memory pool',
    unit: 'GB or MB',
    byDefault: `a sixteenth of the pool, at least ${formatBytes(512 * MB)} and at most ${formatBytes(8 * GB)}`,
    effect: 'Kept free of models, so that the machine stays responsive.',
    now: (context) => inForce(context.settings.reserveBytes, domainOf(context)?.reserveBytes),
    field: (context, noteId) => (
      <SizeField
        label="Reserve"
        bytes={context.settings.reserveBytes}
        placeholder={
          context.pool && context.settings.reserveBytes === null
            ? formatBytes(domainOf(context)?.reserveBytes ?? 0)
            : 'a sixteenth'
        }
        minBytes={0}
        describedBy={noteId}
        onCommit={(bytes) => context.save({ reserveBytes: bytes })}
      />
    ),
  },
  {
    id: 'evictionPolicy',
    title: 'Who leaves first',
    section: 'Memory pool',
    unit: null,
    byDefault: 'cheapest to bring back',
    effect:
      'Which idle model leaves first when another needs its room; pinned models and models that answer never leave.',
    field: ({ settings, save }, noteId) => (
      <SelectField
        label="Who leaves first"
        value={settings.evictionPolicy}
        options={policies}
        describedBy={noteId}
        onChoose={(evictionPolicy) => save({ evictionPolicy })}
      />
    ),
  },
  {
    id: 'pressureShare',
    title: 'Give idle KV caches back from',
    section: 'Memory pool',
    unit: '%',
    byDefault: '85 %',
    effect:
      'From this share of the pool on, KV caches that nobody uses go to disk or shrink, so that there is room before a model has to leave.',
    field: ({ settings, save }, noteId) => (
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
    ),
  },
  {
    id: 'idleUnloadMinutes',
    title: 'Unload when idle for',
    section: 'Memory pool',
    unit: 'minutes',
    byDefault: 'never',
    effect: 'A model that nobody has used for this long is unloaded, unless it is pinned.',
    field: ({ settings, save }, noteId) => (
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
    ),
  },
]

/** Says so when a flag of the start overrules a setting. */
function inForce(bytes: number | null, actualBytes: number | undefined): string | null {
  if (bytes === null || actualBytes === undefined || bytes === actualBytes) return null
  return `Now ${formatBytes(actualBytes)}, as given at the start.`
}
