import { z } from 'zod'
import { pipelineFileSchema, pipelineSchemaName } from './pipeline.ts'

/** What is read of a part of the JSON Schema. */
export type SchemaPart = {
  readonly type?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly properties?: Readonly<Record<string, SchemaPart>>
  readonly items?: SchemaPart
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
}

/** The JSON Schema of pipeline files, from which editors complete keys and say what each does. */
export function pipelineJsonSchema(): SchemaPart {
  const { $schema, ...rest } = z.toJSONSchema(pipelineFileSchema, { io: 'input' })
  return { $schema, $id: pipelineSchemaName, title: 'Plenum pipeline', ...rest } as SchemaPart
}

/** The part of the schema that a value at this path follows; null where no key is known. */
export function schemaAt(schema: SchemaPart, path: readonly (string | number)[]): SchemaPart | null {
  let part: SchemaPart | undefined = schema
  for (const key of path) {
    part = typeof key === 'number' ? part.items : part.properties?.[key]
    if (!part) return null
  }
  return part
}
