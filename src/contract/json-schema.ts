import { z } from 'zod'

/** Why a schema cannot be followed: where in it, as "properties.name", and what is wrong there. */
export type SchemaProblem = { readonly path: string; readonly message: string }

type Json = Readonly<Record<string, unknown>>

/** Says nothing about what is valid, or is taken as it is. */
const plainKeywords = ['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples', '$defs']
const keywordsOf: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'format'],
  number: [],
  integer: [],
  boolean: [],
  null: [],
}
const formats = ['date-time', 'time', 'date']
const counts = ['minProperties', 'maxProperties', 'minItems', 'maxItems', 'minLength', 'maxLength']
const deepest = 32

/** Reads a JSON schema from text; what answers cannot be held to is refused, with its place. Pure. */
export function parseJsonSchema(
  text: string,
): { readonly schema: unknown } | { readonly problem: SchemaProblem } {
  let schema: unknown
  try {
    schema = JSON.parse(text)
  } catch (error) {
    return {
      problem: {
        path: '',
        message: `this is no JSON: ${error instanceof Error ? error.message : String(error)}`,
      },
    }
  }
  const problem = findProblem(schema, { path: [], root: schema })
  return problem ? { problem } : { schema }
}

/** A problem in words, as `"properties.name": "pattern" cannot be followed`. */
export function schemaProblemText({ path, message }: SchemaProblem): string {
  return path === ''
    ? `The schema cannot be used: ${message}`
    : `The schema cannot be used: at "${path}" ${message}`
}

/** The text of a JSON schema that answers can be held to. */
export const jsonSchemaTextSchema = z
  .string()
  .max(100_000)
  .superRefine((text, context) => {
    const parsed = parseJsonSchema(text)
    if ('problem' in parsed) context.addIssue({ code: 'custom', message: schemaProblemText(parsed.problem) })
  })

type Place = { readonly path: readonly string[]; readonly root: unknown }

function findProblem(schema: unknown, place: Place): SchemaProblem | null {
  const at = (message: string): SchemaProblem => ({ path: place.path.join('.'), message })
  const inside = (key: string, child: unknown): SchemaProblem | null =>
    findProblem(child, { ...place, path: [...place.path, ...key.split('/')] })
  if (!isObject(schema)) return at('there is no schema: it takes an object such as {"type": "string"}')
  if (place.path.length > deepest * 2) return at(`it is nested deeper than ${String(deepest)} levels`)
  const defs = schema['$defs']
  if (defs !== undefined && !isObject(defs)) return at('"$defs" takes an object of schemas')
  for (const [name, child] of Object.entries(defs ?? {})) {
    const problem = inside(`$defs/${name}`, child)
    if (problem) return problem
  }
  // 1. What decides the form of the value; exactly one of these.
  if (schema['$ref'] !== undefined) return refProblem(schema, place) ?? unknownKeyword(schema, ['$ref'], at)
  if (schema['oneOf'] !== undefined) {
    const choices = schema['oneOf']
    if (!Array.isArray(choices) || choices.length === 0) return at('"oneOf" takes a list of schemas')
    return (
      choices.map((child, index) => inside(`oneOf/${String(index)}`, child)).find((each) => each !== null) ??
      unknownKeyword(schema, ['oneOf'], at)
    )
  }
  if (schema['const'] !== undefined)
    return isScalar(schema['const'])
      ? unknownKeyword(schema, ['const', 'type'], at)
      : at('"const" takes a text, a number, true, false or null')
  if (schema['enum'] !== undefined) {
    const values = schema['enum']
    return Array.isArray(values) && values.length > 0 && values.every(isScalar)
      ? unknownKeyword(schema, ['enum', 'type'], at)
      : at('"enum" takes a list of texts, numbers, true, false or null')
  }
  const { type } = schema
  const types: readonly unknown[] = Array.isArray(type) ? type : [type]
  const unsupported = Object.keys(schema).find((key) => neverFollowed.has(key))
  if (unsupported !== undefined) return at(neverFollowed.get(unsupported) ?? '')
  if (type === undefined || types.length === 0) return at('"type" is missing')
  const unknownType = types.find((each) => typeof each !== 'string' || !(each in keywordsOf))
  if (unknownType !== undefined) return at(`"type" cannot be ${JSON.stringify(unknownType)}`)
  if (Array.isArray(type) && types.some((each) => each === 'object' || each === 'array'))
    return at('"type" can list only texts, numbers, booleans and null; use "oneOf" for objects and arrays')
  // 2. What says more about it.
  // A text that is one of the keys: it was looked at above.
  const allowed = Array.isArray(type) ? [] : (keywordsOf[type as string] ?? [])
  const unknown = unknownKeyword(schema, ['type', ...allowed], at)
  if (unknown) return unknown
  for (const key of counts) {
    const value = schema[key]
    if (value !== undefined && !(Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100_000))
      return at(`"${key}" takes a whole number from 0 to 100,000`)
  }
  const { format } = schema
  if (format !== undefined && !formats.some((each) => each === format))
    return at(`"format" can be ${formats.map((each) => `"${each}"`).join(', ')} and nothing else`)
  return type === 'object'
    ? objectProblem(schema, inside, at)
    : type === 'array'
      ? arrayProblem(schema, inside, at)
      : null
}

const neverFollowed: ReadonlyMap<string, string> = new Map([
  ['anyOf', '"anyOf" cannot be followed; "oneOf" can'],
  ['allOf', '"allOf" cannot be followed: write one schema with all of it'],
  ['not', '"not" cannot be followed'],
  ['if', '"if" cannot be followed'],
  ['pattern', '"pattern" cannot be followed'],
  ['patternProperties', '"patternProperties" cannot be followed'],
])

type Tell = (message: string) => SchemaProblem
type Inside = (key: string, child: unknown) => SchemaProblem | null

function objectProblem(schema: Json, inside: Inside, at: Tell): SchemaProblem | null {
  const { properties = {}, required, additionalProperties } = schema
  if (!isObject(properties)) return at('"properties" takes an object of schemas')
  const names = Object.keys(properties)
  if (required !== undefined) {
    if (!Array.isArray(required)) return at('"required" takes a list of names')
    const optional = names.find((name) => !required.includes(name))
    if (optional !== undefined)
      return at(`every property is always written: add "${optional}" to "required", or leave "required" out`)
    const missing: unknown = required.find((name) => !names.includes(String(name)))
    if (missing !== undefined)
      return at(`"required" names ${JSON.stringify(missing)}, which is none of its properties`)
  }
  for (const [name, child] of Object.entries(properties)) {
    const problem = inside(`properties/${name}`, child)
    if (problem) return problem
  }
  return additionalProperties === undefined || typeof additionalProperties === 'boolean'
    ? null
    : inside('additionalProperties', additionalProperties)
}

function arrayProblem(schema: Json, inside: Inside, at: Tell): SchemaProblem | null {
  const { items, prefixItems } = schema
  if (prefixItems !== undefined && !Array.isArray(prefixItems))
    return at('"prefixItems" takes a list of schemas')
  const children: readonly (readonly [string, unknown])[] = [
    ...(items === undefined ? [] : [['items', items] as const]),
    ...(prefixItems ?? []).map(
      (child: unknown, index: number) => [`prefixItems/${String(index)}`, child] as const,
    ),
  ]
  return children.map(([key, child]) => inside(key, child)).find((each) => each !== null) ?? null
}

function refProblem(schema: Json, { path, root }: Place): SchemaProblem | null {
  const ref = schema['$ref']
  const name = typeof ref === 'string' && ref.startsWith('#/$defs/') ? ref.slice('#/$defs/'.length) : null
  const message = `"$ref" takes "#/$defs/…" with a name that the schema defines`
  const defs = isObject(root) ? root['$defs'] : undefined
  return name !== null && isObject(defs) && Object.hasOwn(defs, name)
    ? null
    : { path: path.join('.'), message }
}

function unknownKeyword(schema: Json, known: readonly string[], at: Tell): SchemaProblem | null {
  const unknown = Object.keys(schema).find((key) => !known.includes(key) && !plainKeywords.includes(key))
  return unknown === undefined ? null : at(neverFollowed.get(unknown) ?? `"${unknown}" cannot be followed`)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}
