import { z } from 'zod'
import { loadOptionsSchema } from './model.ts'
import { modelRoleSchema, requestLabelSchema } from './routing.ts'
import { samplingSchema } from './sampling.ts'
import { settingsChangesSchema } from './settings.ts'
import { snakeShape } from './snake-case.ts'

/** Where the JSON Schema of pipeline files is published, beside the app. */
export const pipelineSchemaName = 'plenum-pipeline.schema.json'

const mostGb = 8192
const gb = (least: number) => z.number().min(least).max(mostGb)
const tokens = loadOptionsSchema.shape.contextTokens.unwrap()

/** How people name a model of the file in its other places. */
const pipelineIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/)
  .describe(
    'What the rest of the file calls this model: letters, digits, ".", "_" and "-", at most 80. Each model has its own.',
  )

const modelRef = (effect: string) => z.string().min(1).max(80).describe(effect)

const memorySchema = z
  .strictObject({
    pool_type: z
      .enum(['unified', 'split'])
      .optional()
      .describe(
        'unified: CPU and GPU share one memory. split: the GPU has its own. Default: as this machine has it. Another kind than this machine’s is for planning only.',
      ),
    total_gb: gb(0.01)
      .optional()
      .describe(
        'Size of the pool in GB (2^30 bytes); with split memory, of the GPU’s. Default: what this machine has. More than that is for planning only.',
      ),
    reserve_gb: gb(0)
      .optional()
      .describe(
        'Part of the pool in GB that models never get. Default: a sixteenth of the pool, at least 0.5 and at most 8.',
      ),
    eviction_policy: settingsChangesSchema.shape.evictionPolicy.describe(
      'Which idle model leaves first when room is needed. cost (default): the one that is cheapest to bring back; lru: the one that was not used for longest; lru_access: the one that was used least often.',
    ),
    kv_cache_budget_gb: gb(0)
      .optional()
      .describe(
        'The most, in GB, that the KV caches of all conversations with one model may take together; counts for each model that names none of its own. It is a limit: nothing is taken before it is needed. Default: two full contexts.',
      ),
    bandwidth_gb_s: z
      .number()
      .positive()
      .max(1_000_000)
      .optional()
      .describe(
        'How fast the memory is read, in GB/s as makers publish it (10^9 bytes a second); expected speeds come from it. Default: measured here, or published for this kind of machine.',
      ),
  })
  .describe('The memory pool that the models share.')

/** What `draft` may say in place of a model. */
export const reservedDrafts = ['auto', 'lookup', 'off'] as const

const roleSchema = z
  .strictObject({
    labels: z
      .array(
        z.strictObject({
          name: requestLabelSchema.shape.name.describe(
            'What the router calls such requests, like "code". The same name in several models is the same label.',
          ),
          description: requestLabelSchema.shape.description.describe(
            'What such requests are about, for the router. Default: the name says it.',
          ),
          examples: requestLabelSchema.shape.examples.describe('Such requests, for the router; at most 10.'),
        }),
      )
      .max(16)
      .optional()
      .describe('Kinds of requests that it answers, at most 16. Default: none.'),
    routes: modelRoleSchema.shape.routes
      .optional()
      .describe('It sorts requests for the others. Default: false.'),
    verifies: modelRoleSchema.shape.verifies
      .optional()
      .describe('It checks the answers of the others. Default: false.'),
  })
  .describe('What the model is for when Auto chooses. Default: Auto leaves it alone.')

/** Load options that a file has under the same names; for the others it has keys of its own. */
export const plainLoadOptions = loadOptionsSchema.omit({
  contextTokens: true,
  kvBudgetBytes: true,
  bandwidthThrottle: true,
  draft: true,
}).shape

const modelSchema = z.strictObject({
  id: pipelineIdSchema,
  path: z
    .string()
    .min(1)
    .max(4096)
    .describe(
      'The GGUF file, from the folder of this pipeline file on; "~" is the home. The first part of a split model. While it is not there, everything but loading works.',
    ),
  name: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .describe('What the window calls it. Default: as in the library.'),
  quantization: z
    .string()
    .regex(/^[A-Za-z0-9_]{2,24}$/)
    .optional()
    .describe(
      'How its weights are stored, like fp4, q4_k_m or q8_0. The file itself decides; this is checked against it, and helps planning while the file is missing.',
    ),
  max_context: tokens
    .optional()
    .describe(
      'Tokens that one conversation with it may have. Default: as in the settings, at most what the model was trained for.',
    ),
  estimated_footprint_gb: gb(0.001)
    .optional()
    .describe(
      'What it takes in GB, weights, first KV cache and buffers together. Counts while the file is missing; after that the file does.',
    ),
  estimated_active_gb: gb(0.001)
    .optional()
    .describe(
      'Of a mixture of experts: what is read for each token, in GB. Counts while the file is missing. Default: all of it.',
    ),
  bandwidth_throttle: loadOptionsSchema.shape.bandwidthThrottle.describe(
    'true (default): it takes turns with the others when it decodes. false: it may decode beside them, at the cost of their speed.',
  ),
  kv_cache_budget_gb: gb(0)
    .optional()
    .describe(
      'The most, in GB, that the KV caches of all conversations with it may take together. Default: as under memory.',
    ),
  pinned: z.boolean().optional().describe('true: it never has to leave. Default: false.'),
  role: roleSchema.optional(),
  sampling: z
    .strictObject(snakeShape(samplingSchema.shape))
    .optional()
    .describe(
      'How its tokens are chosen where a conversation does not say. Default: as its file recommends.',
    ),
  ...snakeShape(plainLoadOptions),
  draft: modelRef(
    'A model of this file that drafts for it, which it then checks: faster where the two agree. "auto" (default): what was measured to be faster. "lookup": drafts are taken from what was read. "off": none.',
  ).optional(),
})

/** What a step of a turn may be. */
export const stepKinds = ['route', 'answer', 'verify', 'repair'] as const

const stepSchema = z.strictObject({
  step: z
    .enum(stepKinds)
    .describe(
      'route: the router finds who answers. answer. verify: the answer is checked. repair: it is written again.',
    ),
  model: modelRef(
    'Who takes the step. Default: the router, the verifier, or the model with the label; of repair the one that answered.',
  ).optional(),
  label: requestLabelSchema.shape.name
    .optional()
    .describe('The kind of request; the model whose role has this label takes the step.'),
  prompt_tokens: z
    .number()
    .int()
    .min(0)
    .max(16_777_216)
    .optional()
    .describe('Tokens that it reads, usually. Default: half of its context, at most 1,000.'),
  answer_tokens: z
    .number()
    .int()
    .min(1)
    .max(16_777_216)
    .optional()
    .describe('Tokens that it writes, usually. Default: 250; 1 to route, 40 to verify.'),
  requests: z
    .number()
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .describe('How many requests a batch job has. Default: 1, a conversation.'),
})

/** What a pipeline file says. Keys are as in the file; every size is in GB of 2^30 bytes. */
export const pipelineFileSchema = z
  .strictObject({
    memory: memorySchema.optional(),
    models: z.array(modelSchema).min(1).max(64).describe('The set: what is to be in memory together.'),
    router: z
      .strictObject({
        model: modelRef('The model that sorts requests for Auto.'),
        time_limit_ms: settingsChangesSchema.shape.routerLimitMs
          .unwrap()
          .optional()
          .describe(
            'How long Auto waits for it, in milliseconds; after that the model of the turn before answers. Default: 5000.',
          ),
      })
      .optional()
      .describe('Who finds out which model answers. Default: the model whose role routes.'),
    verifier: z
      .strictObject({
        model: modelRef('The model that checks answers.'),
        repair_by: modelRef(
          'The model that repairs what has failed the check. Default: the one that wrote it.',
        ).optional(),
      })
      .optional()
      .describe('Who checks answers. Default: the model whose role verifies; nobody without one.'),
    steps: z
      .array(stepSchema)
      .min(1)
      .max(64)
      .optional()
      .describe(
        'A usual turn, step by step, for the dry run. Default: route and verify where somebody does, and one answer of each other model.',
      ),
    runtime: z
      .strictObject({
        framework: z
          .enum(['llama-cpp'])
          .optional()
          .describe('What runs the models. llama-cpp is the only one, and the default.'),
        nvlink_c2c: z
          .enum(['enabled', 'disabled'])
          .optional()
          .describe(
            'Whether CPU and GPU are expected to share memory over NVLink C2C. Switches nothing: the dry run says what this machine has.',
          ),
        windows_arm_native: z
          .boolean()
          .optional()
          .describe(
            'Whether Plenum is expected to run natively on Windows on Arm. Switches nothing: the dry run says what this machine has.',
          ),
        speculative_decoding: z
          .boolean()
          .optional()
          .describe(
            'false: no model drafts, also where measuring says that it pays. true (default): a draft is used as long as measuring says that it pays.',
          ),
        early_stopping: z
          .boolean()
          .optional()
          .describe(
            'true (default): answers that go round in circles end early, and a turn ends when its answer passes the check, so that repair is a rare step. false: they go on, and the dry run counts repair in every turn.',
          ),
      })
      .optional()
      .describe('How the models are run.'),
  })
  .describe('A set of models for Plenum: what is loaded, with what, and for what.')
export type PipelineFile = z.infer<typeof pipelineFileSchema>
export type PipelineModel = PipelineFile['models'][number]
export type PipelineStep = NonNullable<PipelineFile['steps']>[number]
