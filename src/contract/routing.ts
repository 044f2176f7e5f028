import { z } from 'zod'
import { problemSchema } from './errors.ts'

/** A kind of request that a router tells from others, and what it is. */
export const requestLabelSchema = z.object({
  /** What the router calls it: "code". The same name in the roles of several models is the same label. */
  name: z
    .string()
    .trim()
    .regex(
      /^[\p{L}\p{N}](?:[\p{L}\p{N} _-]{0,30}[\p{L}\p{N}])?$/u,
      'takes letters, digits, spaces, "-" and "_", at most 32',
    ),
  /** What such requests are about, for the router; absent: the name says it. */
  description: z.string().trim().min(1).max(500).optional(),
  /** Requests of this kind, for the router. */
  examples: z.array(z.string().trim().min(1).max(1000)).max(10).optional(),
})
export type RequestLabel = z.infer<typeof requestLabelSchema>

/** What a model is for, as Auto sees it. */
export const modelRoleSchema = z.object({
  /** Requests that it answers. */
  labels: z.array(requestLabelSchema).max(16),
  /** It sorts requests for others. */
  routes: z.boolean(),
  /** It checks the answers of others. */
  verifies: z.boolean(),
})
export type ModelRole = z.infer<typeof modelRoleSchema>

/** A model that could have answered, and why it did or did not. */
export const routeAlternativeSchema = z.object({
  modelId: z.string(),
  name: z.string(),
  /** The label under which it was looked at. */
  label: z.string(),
  isResident: z.boolean(),
  /** Expected seconds to a finished answer, loading and reading included; null where nothing is known of its speed. */
  seconds: z.number().nullable(),
  /** In plain words; null for the one that was chosen. */
  whyNot: z.string().nullable(),
})
export type RouteAlternative = z.infer<typeof routeAlternativeSchema>

/** How Auto found who answers a turn. */
export const routingDecisionSchema = z.object({
  /** `routed`: by the label; `kept`: the model before, because the router was unsure or the topic goes on; `fallback`: no router could say. */
  kind: z.enum(['routed', 'kept', 'fallback']),
  /** Who sorted the request; null: nobody did. */
  routerId: z.string().nullable(),
  routerName: z.string().nullable(),
  /** The label that was followed; null without one. */
  label: z.string().nullable(),
  /** Every label with its probability, likeliest first; they add up to 1. */
  labels: z.array(z.object({ name: z.string(), probability: z.number() })),
  /** Milliseconds that the decision took, waiting for the router included. */
  ms: z.number(),
  /** One sentence. */
  reason: z.string(),
  alternatives: z.array(routeAlternativeSchema),
  /** The model that the user had answer instead. */
  overruledBy: z.object({ modelId: z.string(), name: z.string(), isRemembered: z.boolean() }).optional(),
})
export type RoutingDecision = z.infer<typeof routingDecisionSchema>

/** What a verifier said of an answer. */
export const verificationSchema = z.object({
  verifierId: z.string(),
  verifierName: z.string(),
  outcome: z.discriminatedUnion('kind', [
    /** It waits for the verifier, or is being read; in plain words. */
    z.object({ kind: z.literal('checking'), waitsFor: z.string().nullable() }),
    z.object({
      kind: z.enum(['pass', 'fail']),
      /** Of PASS, from 0 to 1. */
      passProbability: z.number(),
      reason: z.string(),
      ms: z.number(),
    }),
    /** Nobody could say. */
    z.object({ kind: z.literal('unknown'), problem: problemSchema }),
  ]),
  /** The answer of the same turn that repairs this one. */
  repairAnswerId: z.string().optional(),
})
export type Verification = z.infer<typeof verificationSchema>

/** A request that Auto had sent elsewhere than the user wanted, kept as an example. */
export const routeExampleSchema = z.object({
  id: z.string(),
  text: z.string(),
  label: z.string(),
  createdAt: z.number(),
})
export type RouteExample = z.infer<typeof routeExampleSchema>

/** A share of a whole, such as a probability: "93 %", "under 1 %", "over 99 %". */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.005) return 'under 1 %'
  if (share < 1 && share >= 0.995) return 'over 99 %'
  return `${String(Math.round(100 * share))} %`
}
