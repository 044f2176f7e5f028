import type { z } from 'zod'
import { formatBytes, GB, MB, parseBytes } from '../../contract/bytes.ts'
import { pipelineJsonSchema, schemaAt, type SchemaPart } from '../../contract/pipeline-json-schema.ts'
import type { PipelineFinding } from '../../contract/pipeline-report.ts'
import { pipelineFileSchema, type PipelineFile } from '../../contract/pipeline.ts'
import { closestName } from '../core/closest-name.ts'
import { writePath, type KeyPath, type UnplacedFinding } from '../core/pipeline-finding.ts'
import { findContradictions } from '../core/pipeline-rules.ts'
import { readYaml, type YamlText } from './pipeline-yaml.ts'

/** What a text says, if it is a pipeline. */
export type ParsedPipeline = {
  /** Null where errors leave nothing to go by. */
  readonly file: PipelineFile | null
  readonly findings: readonly PipelineFinding[]
  /** Finds line and column of further findings. */
  readonly place: (finding: UnplacedFinding) => PipelineFinding
}

/**
 * Reads the text of a pipeline file. What is wrong with it is said with line, column, what was expected and what would help. Pure but for
 * time; never throws.
 */
export function parsePipeline(text: string): ParsedPipeline {
  const yaml = readYaml(text)
  const place = placing(yaml)
  if (yaml.findings.some(({ path }) => path === '')) return { file: null, findings: yaml.findings, place }
  const parsed = pipelineFileSchema.safeParse(yaml.data, { reportInput: true })
  if (!parsed.success) {
    const wrong = parsed.error.issues.flatMap((issue) => describeIssue(issue, yaml.data)).map(place)
    return { file: null, findings: inOrder([...yaml.findings, ...wrong]), place }
  }
  const findings = inOrder([...yaml.findings, ...findContradictions(parsed.data).map(place)])
  const isUsable = findings.every(({ severity }) => severity !== 'error')
  return { file: isUsable ? parsed.data : null, findings, place }
}

/** Errors first, then warnings, then notes, each in the order of the file. */
export function inOrder(findings: readonly PipelineFinding[]): PipelineFinding[] {
  const rank = { error: 0, warning: 1, note: 2 } as const
  return findings.toSorted(
    (a, b) =>
      rank[a.severity] - rank[b.severity] ||
      (a.line ?? Infinity) - (b.line ?? Infinity) ||
      (a.column ?? 0) - (b.column ?? 0),
  )
}

function placing({ placeOf }: YamlText): ParsedPipeline['place'] {
  return ({ at, on, ...finding }) => {
    const { line, column } = placeOf(at, on ?? (finding.severity === 'error' ? 'value' : 'key'))
    return { ...finding, line, column, path: writePath(at) }
  }
}

const jsonSchema = pipelineJsonSchema()

type Issue = z.core.$ZodIssue

function describeIssue(issue: Issue, data: unknown): UnplacedFinding[] {
  const at = issue.path.filter((key) => typeof key !== 'symbol')
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, at))
  const part = schemaAt(jsonSchema, at)
  const value = valueAt(data, at)
  const key = String(at.at(-1) ?? '')
  const expected = part ? describeExpected(part, key) : undefined
  const error = (message: string, help?: string): UnplacedFinding[] => [
    {
      ...{ severity: 'error', at, message },
      ...(expected !== undefined && { expected }),
      ...(help !== undefined && { help }),
    },
  ]
  if (at.length === 0 && (value === null || value === undefined))
    return error('The file is empty', 'Begin with "models:" and a list of models')
  if (value === undefined) {
    const help = part?.description === undefined ? undefined : `"${key}": ${part.description}`
    return error(`"${key}" is missing`, help)
  }
  if (value === null) return error(`"${key}" has no value`, 'Write a value behind it, or take the key out')
  const shown =
    key === '' || typeof value === 'object'
      ? describeValue(value)
      : `${quoteKey(at)}: ${describeValue(value)}`
  if (issue.code === 'custom') return error(issue.message)
  return error(`${shown} ${reasonOf(issue, part)}`, helpFor(value, { key, part }))
}

const kindNames: Readonly<Record<string, string>> = {
  number: 'no number',
  integer: 'no whole number',
  boolean: 'neither true nor false',
  string: 'no text',
  array: 'no list',
  object: 'no group of keys',
}

function quoteKey(at: KeyPath): string {
  const last = at.at(-1)
  return typeof last === 'number' ? `Item ${last + 1} of "${String(at.at(-2) ?? '')}"` : `"${String(last)}"`
}

function reasonOf(issue: Issue, part: SchemaPart | null): string {
  if (issue.code === 'invalid_type') return `is ${kindNames[part?.type ?? ''] ?? 'not what goes here'}`
  return reasons[issue.code] ?? 'does not go here'
}

const reasons: Readonly<Partial<Record<Issue['code'], string>>> = {
  too_small: 'is too small',
  too_big: 'is too large',
  invalid_format: 'is not written as it should be',
  invalid_value: 'is not known',
}

function unknownKey(key: string, at: KeyPath): UnplacedFinding {
  const names = Object.keys(schemaAt(jsonSchema, at)?.properties ?? {})
  const meant = closestName(key, names) ?? closestName(key.replace(/_(mb|bytes|gib|kb|tb)$/i, '_gb'), names)
  const elsewhere = meant === null ? placesOf(key) : []
  const group = at.length === 0 ? 'the file' : writePath(at)
  return {
    ...{ severity: 'error', on: 'key', at: [...at, key], message: `"${key}" is no key of ${group}` },
    expected: meant ?? names.join(', '),
    ...(meant !== null
      ? { help: `Did you mean "${meant}"?${/_(mb|bytes|kb|tb)$/i.test(key) ? ' Sizes are in GB' : ''}` }
      : elsewhere.length > 0
        ? { help: `It belongs under ${elsewhere.map((name) => `"${name}"`).join(' or ')}` }
        : { help: 'Take it out; only keys of the schema mean something' }),
  }
}

/** The groups that have a key of this name. */
function placesOf(key: string): string[] {
  return Object.entries(jsonSchema.properties ?? {}).flatMap(([name, part]) => {
    const group = part.items ?? part
    return group.properties?.[key] ? [name] : []
  })
}

/** What could stand at a place, in words. */
function describeExpected(part: SchemaPart, key: string): string | undefined {
  if (part.enum)
    return part.enum
      .map((each) => String(each))
      .join(', ')
      .replace(/, ([^,]*)$/, ' or $1')
  switch (part.type) {
    case undefined:
      return part.description
    case 'boolean':
      return 'true or false'
    case 'integer':
    case 'number': {
      const kind = part.type === 'integer' ? 'a whole number' : 'a number'
      const of = key.endsWith('_gb') ? ' of GB' : key.endsWith('_ms') ? ' of milliseconds' : ''
      const from =
        part.minimum ?? (part.exclusiveMinimum === undefined ? undefined : `above ${part.exclusiveMinimum}`)
      const unit = key.endsWith('_gb') ? ', without a unit' : ''
      return `${kind}${of}${from === undefined ? '' : ` from ${grouped(from)}`}${part.maximum === undefined ? '' : ` to ${grouped(part.maximum)}`}${unit}`
    }
    case 'array':
      return `a list${part.maxItems === undefined ? '' : ` of at most ${part.maxItems}`}${part.minItems === undefined ? '' : `, not empty`}: lines that begin with "- "`
    case 'object':
      return `a group with the keys ${Object.keys(part.properties ?? {}).join(', ')}`
    case 'string':
      return key === 'id' || part.pattern === undefined
        ? `a text of at most ${grouped(part.maxLength ?? 80)} characters${part.pattern === undefined ? '' : ': letters, digits, ".", "_" and "-"'}`
        : 'letters, digits and "_" or "-"'
    default:
      return part.description
  }
}

/** What would mend a value of the wrong kind or size. */
function helpFor(
  value: unknown,
  { key, part }: { key: string; part: SchemaPart | null },
): string | undefined {
  const isNumber = part?.type === 'number' || part?.type === 'integer'
  if (isNumber && typeof value === 'string') return helpForNumber(value, { key, part })
  if (
    typeof value === 'number' &&
    key.endsWith('_gb') &&
    part?.maximum !== undefined &&
    value > part.maximum
  ) {
    const [unit, name] = value >= 2 ** 28 ? [1, 'bytes'] : [MB, 'MB']
    return `If these are ${name}, write ${inGb(value * unit)}`
  }
  if (typeof value === 'number' && isNumber && part.type === 'integer' && !Number.isInteger(value))
    return `Write ${Math.round(value)}`
  if (part?.type === 'boolean' && (typeof value === 'string' || typeof value === 'number')) {
    const word = String(value).toLowerCase()
    if (['yes', 'on', 'enabled', '1', 'true'].includes(word)) return 'Write true'
    if (['no', 'off', 'disabled', '0', 'false', 'none'].includes(word)) return 'Write false'
  }
  const names = (part?.enum ?? []).filter((each) => typeof each === 'string')
  if (names.length > 0) {
    if (typeof value === 'boolean' && names.includes('enabled'))
      return `Write ${value ? 'enabled' : 'disabled'}`
    if (typeof value === 'boolean' && names.includes('on')) return `Write ${value ? '"on"' : '"off"'}`
    const meant = closestName(String(value), names)
    return meant === null ? undefined : `Did you mean "${meant}"?`
  }
  if (part?.type === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return `Put it in quotes: "${value}"`
  if (part?.type === 'array' && typeof value === 'object') return 'Begin each item with "- "'
  return undefined
}

function helpForNumber(text: string, { key, part }: { key: string; part: SchemaPart }): string | undefined {
  if (/^\s*-?\d+(\.\d+)?\s*$/.test(text)) return `Write ${text.trim()} without quotes`
  const bytes = parseBytes(text.replaceAll(/(?<=\d)[,_](?=\d{3})/g, ''))
  if (key.endsWith('_gb')) {
    if (bytes === null) return 'The unit, GB, is in the name of the key'
    return `Write ${inGb(bytes)}: the unit, GB, is in the name of the key${/b\s*$/i.test(text) && !/gi?b\s*$/i.test(text) ? ` (${text.trim()} is ${formatBytes(bytes)})` : ''}`
  }
  const number = /^\s*(\d[\d,_]*(?:\.\d+)?)\s*(k)?\b/i.exec(text)
  if (!number) return undefined
  const plain = Number((number[1] ?? '').replaceAll(/[,_]/g, ''))
  const times = number[2] === undefined ? 1 : 1024
  const whole = part.type === 'integer' ? Math.round(plain * times) : plain * times
  return `Write ${whole}, without a unit`
}

/** GB as a file has them: three digits behind the point at most. */
function inGb(bytes: number): string {
  return String(Number((bytes / GB).toFixed(3)))
}

function grouped(value: number | string): string {
  return typeof value === 'number' ? value.toLocaleString('en') : value
}

function valueAt(data: unknown, path: KeyPath): unknown {
  let value = data
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.hasOwn(value, key) ? (value as Readonly<Record<string | number, unknown>>)[key] : undefined
  }
  return value
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a group of keys'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text
}
