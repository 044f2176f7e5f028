import { eventIterator, oc, type } from '@orpc/contract'
import { z } from 'zod'
import { askingChangesSchema, askingSchema } from './asking.ts'
import { attachmentSchema, maxAttachmentCharacters, turnCostSchema } from './attachment.ts'
import { importEventSchema, importResultSchema } from './conversation-file.ts'
import type { ConversationEvent, Turn } from './conversation.ts'
import {
  conversationEventSchema,
  conversationListEventSchema,
  conversationSchema,
  conversationSummarySchema,
  mostAnswerers,
  turnSchema,
} from './conversation.ts'
import { errorCodeSchema, errorDetailsSchema } from './errors.ts'
import { jsonSchemaTextSchema } from './json-schema.ts'
import { loadPreviewSchema, measurementSchema, poolSnapshotSchema, turnPlanSchema } from './memory.ts'
import { addResultSchema, libraryModelSchema, loadOptionsSchema } from './model.ts'
import { modelRoleSchema, routeExampleSchema } from './routing.ts'
import { pipelineLoadedSchema, pipelineReportSchema, pipelineSourceSchema } from './pipeline-report.ts'
import { samplingSchema } from './sampling.ts'
import { foundPlaceSchema, searchResultSchema } from './search.ts'
import { maxQueryCharacters } from './search-text.ts'
import { settingsChangesSchema, settingsSchema } from './settings.ts'

const failure = { data: errorDetailsSchema }
/** HTTP status of each error code on the REST side. */
export const statuses = {
  BAD_INPUT: 400,
  NOT_FOUND: 404,
  BAD_MODEL_FILE: 422,
  NO_ROOM: 507,
  MODEL_BUSY: 409,
  MODEL_FAILED: 502,
  MODEL_CRASHED: 502,
  CONTEXT_FULL: 413,
  DISK_FULL: 507,
  NOT_SUPPORTED: 501,
  FORBIDDEN: 403,
  INTERNAL: 500,
} as const satisfies Record<z.infer<typeof errorCodeSchema>, number>

const base = oc.errors(
  Object.fromEntries(errorCodeSchema.options.map((code) => [code, { ...failure, status: statuses[code] }])),
)

const modelId = z.object({ id: z.string() })
/** Text in a query, a boolean elsewhere. */
const queryFlag = z.union([z.boolean(), z.stringbool()]).optional()
/** Text in a query, a number elsewhere. */
const queryNumber = (schema: z.ZodOptional<z.ZodNumber>) => z.coerce.number().pipe(schema.unwrap()).optional()
const conversationId = z.object({ id: z.string() })
/** Who answers: one model, several at once, or whom Auto finds; one of the three is needed. */
const answerers = z.object({
  /** With `isAuto`: the model that answers where Auto finds nobody better. */
  modelId: z.string().optional(),
  isAuto: z.boolean().optional(),
  modelIds: z.array(z.string()).min(1).max(mostAnswerers).optional(),
})
const messageText = z.string().min(1).max(5_000_000)
const turnId = z.object({ turnId: z.string() })
const answerId = z.object({ answerId: z.string() })
const conversationIds = z.object({ ids: z.array(z.string()).max(100_000) })

/** A file to be saved; its name is a proposal. */
const fileSchema = z.file()

/** A folder or a GGUF file in the host's own file system, for the picker of the headless host. */
export const folderEntrySchema = z.object({
  name: z.string(),
  path: z.string(),
  kind: z.enum(['folder', 'gguf']),
  /** Size of a file in bytes; null for a folder. */
  bytes: z.number().nullable(),
})
export type FolderEntry = z.infer<typeof folderEntrySchema>

/** What the host is and can do; never changes while it runs. */
export const hostInfoSchema = z.object({
  version: z.string(),
  kind: z.enum(['desktop', 'headless']),
  platform: z.string(),
  /** Whether `files.choose` and `files.save` can open the system's own dialog. */
  canChooseFiles: z.boolean(),
  /** Where uploaded files go. */
  modelsFolder: z.string(),
})
export type HostInfo = z.infer<typeof hostInfoSchema>

/** Everything that the window and scripts can ask of the host. Routes are for REST under `/api`; calls without one are the window's. */
export const contract = {
  host: {
    info: base.route({ method: 'GET', path: '/host' }).output(hostInfoSchema),
  },
  pool: {
    get: base.route({ method: 'GET', path: '/pool' }).output(poolSnapshotSchema),
    /** The snapshot now and after each change, at most ten a second. */
    watch: base.output(eventIterator(poolSnapshotSchema)),
    /** Loads the models of `lastResidents`, or forgets them. */
    restore: base.input(z.object({ accept: z.boolean() })).output(z.void()),
    /** Gives all idle KV caches back; what that has won. */
    consolidate: base
      .route({ method: 'POST', path: '/pool/consolidate' })
      .output(z.object({ freedBytes: z.number(), kvCaches: z.number().int() })),
  },
  models: {
    list: base.route({ method: 'GET', path: '/models' }).output(z.array(libraryModelSchema)),
    watch: base.output(eventIterator(z.array(libraryModelSchema))),
    /** Adds a GGUF file, or every model of a folder. */
    add: base
      .route({ method: 'POST', path: '/models' })
      .input(z.object({ path: z.string().min(1) }))
      .output(z.array(addResultSchema)),
    /** Takes an entry out of the library; the file stays where it is. */
    remove: base.route({ method: 'DELETE', path: '/models/{id}' }).input(modelId).output(z.void()),
    /** Changes the name, the load options, the sampling or the role (null: none). */
    update: base
      .route({ method: 'PATCH', path: '/models/{id}' })
      .input(
        modelId.extend({
          name: z.string().trim().min(1).max(200).optional(),
          loadOptions: loadOptionsSchema.optional(),
          sampling: samplingSchema.optional(),
          role: modelRoleSchema.nullable().optional(),
        }),
      )
      .output(libraryModelSchema),
    preview: base
      .route({ method: 'GET', path: '/models/{id}/preview' })
      .input(
        modelId.extend({
          ...loadOptionsSchema.shape,
          contextTokens: queryNumber(loadOptionsSchema.shape.contextTokens),
          startContextTokens: queryNumber(loadOptionsSchema.shape.startContextTokens),
          gpuLayers: queryNumber(loadOptionsSchema.shape.gpuLayers),
          batchTokens: queryNumber(loadOptionsSchema.shape.batchTokens),
          thinkingBudgetTokens: queryNumber(loadOptionsSchema.shape.thinkingBudgetTokens),
          threads: queryNumber(loadOptionsSchema.shape.threads),
          kvBudgetBytes: queryNumber(loadOptionsSchema.shape.kvBudgetBytes),
          /** What loading it again would take and change, where it is in memory. */
          reload: queryFlag,
          fullWindowCache: queryFlag,
          bandwidthThrottle: queryFlag,
        }),
      )
      .output(loadPreviewSchema),
    /** Ends when the model is ready; who has to leave for it leaves. */
    load: base
      .route({ method: 'POST', path: '/models/{id}/load' })
      .input(modelId.extend({ options: loadOptionsSchema.optional() }))
      .output(z.void()),
    /** Ends when the memory is back. Cancels a load under way. `MODEL_BUSY` while a turn uses it, unless `force`. */
    unload: base
      .route({ method: 'POST', path: '/models/{id}/unload' })
      .input(modelId.extend({ force: z.boolean().optional() }))
      .output(z.void()),
    pin: base.route({ method: 'POST', path: '/models/{id}/pin' }).input(modelId).output(z.void()),
    /** What earlier loads of this model were predicted to take and took, newest first. */
    history: base
      .route({ method: 'GET', path: '/models/{id}/history' })
      .input(modelId)
      .output(z.array(measurementSchema)),
    unpin: base.route({ method: 'POST', path: '/models/{id}/unpin' }).input(modelId).output(z.void()),
  },
  pipelines: {
    /** The dry run of a pipeline file: what it would load, with bytes and speeds, and what is wrong with it. Nothing is loaded. */
    check: base
      .route({ method: 'POST', path: '/pipelines/check' })
      .input(pipelineSourceSchema)
      .output(pipelineReportSchema),
    /** Loads the set of a file and ends when all of it is ready; all that is missing or does not fit is said before anything changes. */
    load: base
      .route({ method: 'POST', path: '/pipelines/load' })
      .input(pipelineSourceSchema)
      .output(pipelineLoadedSchema),
    /** The models in memory, with how they are loaded, as the text of a pipeline file. */
    write: base.route({ method: 'GET', path: '/pipelines/current' }).output(z.object({ text: z.string() })),
  },
  files: {
    /** Opens the system's dialog; the chosen paths, empty when it was closed. */
    choose: base.input(z.object({ kind: z.enum(['gguf', 'folder']) })).output(z.array(z.string())),
    /** Writes a text where the user says in the system's dialog, which proposes the name; the path, null when it was closed. */
    save: base
      .input(z.object({ name: z.string().min(1).max(255), text: z.string() }))
      .output(z.string().nullable()),
    /** Folders and GGUF files at a path of the host; without a path, where models usually are. */
    browse: base
      .route({ method: 'GET', path: '/files' })
      .input(z.object({ path: z.string().optional() }))
      .output(
        z.object({ path: z.string(), parent: z.string().nullable(), entries: z.array(folderEntrySchema) }),
      ),
  },
  conversations: {
    list: base.route({ method: 'GET', path: '/conversations' }).output(z.array(conversationSummarySchema)),
    /** All of the list first, then what changes, at most ten times a second. */
    watchList: base.output(eventIterator(conversationListEventSchema)),
    create: base
      .route({ method: 'POST', path: '/conversations' })
      .input(z.object({ title: z.string().max(200).optional(), asking: askingChangesSchema.optional() }))
      .output(conversationSchema),
    get: base
      .route({ method: 'GET', path: '/conversations/{id}' })
      .input(conversationId)
      .output(conversationSchema),
    /** A snapshot first, then what changes. With `lastTurns` the snapshot has only so many turns, and those before them follow in parts. */
    watch: base
      .input(conversationId.extend({ lastTurns: z.number().int().min(1).optional() }))
      .output(eventIterator(conversationEventSchema)),
    /** Changes its title, or where it is in the list; what is absent stays. */
    update: base
      .route({ method: 'PATCH', path: '/conversations/{id}' })
      .input(
        conversationId.extend({
          title: z.string().trim().min(1).max(200).optional(),
          isPinned: z.boolean().optional(),
          isArchived: z.boolean().optional(),
        }),
      )
      .output(conversationSummarySchema),
    /** Changes how its models are asked; what is absent stays. */
    setAsking: base
      .route({ method: 'PATCH', path: '/conversations/{id}/asking' })
      .input(conversationId.extend(askingChangesSchema.shape))
      .output(askingSchema),
    /** Deletes it. For a day, and until Plenum ends, it can be restored; nothing else finds it then. */
    delete: base
      .route({ method: 'DELETE', path: '/conversations/{id}' })
      .input(conversationId)
      .output(z.void()),
    /** Takes a deletion back. Harmless when it is not deleted; `NOT_FOUND` once it is gone for good. */
    restore: base
      .route({ method: 'POST', path: '/conversations/{id}/restore' })
      .input(conversationId)
      .output(conversationSummarySchema),
    /** Titles, messages and answers with all these words; see parseQuery in search-text.ts. Nothing that is typed is an error. */
    search: base
      .route({ method: 'GET', path: '/search' })
      .input(
        z.object({
          query: z.string().max(100_000),
          limit: z.coerce.number().int().min(1).max(500).default(50),
        }),
      )
      .output(searchResultSchema),
    /** Where a text is on the shown path of a conversation, in order, whatever the case and accents: the `piece` as it stands, or all `words` of a search. */
    find: base
      .input(
        conversationId.extend({
          text: z.string().max(maxQueryCharacters),
          as: z.enum(['piece', 'words']).default('piece'),
        }),
      )
      .output(z.array(foundPlaceSchema)),
    /** The shown path as Markdown, or the whole conversation as JSON (conversation-file.ts). */
    export: base
      .route({ method: 'GET', path: '/conversations/{id}/export' })
      .input(conversationId.extend({ format: z.enum(['markdown', 'json']).default('markdown') }))
      .output(fileSchema),
    /** All conversations as JSON (conversation-file.ts). */
    exportAll: base.route({ method: 'GET', path: '/conversations/export' }).output(fileSchema),
    /** For scripts: brings in a file of `exportAll`, or what Open WebUI exports; all of it or nothing. */
    import: base
      .route({ method: 'POST', path: '/conversations/import' })
      .input(z.unknown())
      .output(importResultSchema),
    /** For the window: a file in pieces, in their order, under an id of the sender's. `importEnd` does what `import` does. */
    importPart: base
      .input(z.object({ importId: z.string(), name: z.string().max(1000), text: z.string().max(4_000_000) }))
      .output(z.void()),
    importEnd: base.input(z.object({ importId: z.string() })).output(eventIterator(importEventSchema)),
    /** Deletes several; what is not there is passed over. The ids of those that were there. */
    deleteMany: base.input(conversationIds).output(z.array(z.string())),
    /** Restores several; what is gone for good is passed over. */
    restoreMany: base.input(conversationIds).output(z.void()),
  },
  turns: {
    /** Records the turn and starts its answer; what follows comes over `conversations.watch`. */
    send: base
      .input(
        answerers.extend({
          conversationId: z.string(),
          /** May be empty beside attachments. */
          text: z.string().max(5_000_000),
          attachmentIds: z.array(z.string()).max(100).optional(),
        }),
      )
      .output(turnSchema),
    /** For scripts: sends a turn and answers with the whole turn when it is done, or with `stream` the conversation's events as they come. */
    ask: base
      .route({ method: 'POST', path: '/conversations/{id}/turns' })
      .input(
        conversationId.extend({
          ...answerers.shape,
          text: messageText,
          stream: z.boolean().default(false),
          /** Nobody waits for this answer: it makes way for those that somebody waits for. */
          background: z.boolean().default(false),
          /** For this answer alone; goes before what the conversation says. */
          ...askingChangesSchema.shape,
          /** The schema itself will do. */
          jsonSchema: z
            .union([
              jsonSchemaTextSchema,
              z
                .record(z.string(), z.unknown())
                .transform((schema) => JSON.stringify(schema))
                .pipe(jsonSchemaTextSchema),
            ])
            .nullable()
            .optional(),
          attachmentIds: z.array(z.string()).max(100).optional(),
        }),
      )
      .output(type<Turn | AsyncIteratorObject<ConversationEvent, void, void>>()),
    /** What sending a draft would cost, without doing anything. `conversationId` null: a new one, asked as `asking` says. */
    cost: base
      .input(
        z.object({
          conversationId: z.string().nullable(),
          asking: askingChangesSchema.optional(),
          text: z.string().max(5_000_000),
          modelId: z.string(),
          attachmentIds: z.array(z.string()).max(100),
        }),
      )
      .output(turnCostSchema),
    /** Asks any turn of a conversation again: adds an answer and goes on from it. What hangs on other answers of the turn stays with those. */
    retry: base
      .route({ method: 'POST', path: '/turns/{turnId}/answers' })
      .input(answerers.extend(turnId.shape))
      .output(turnSchema),
    /** Writes a message anew: a further version of it beside the old one, with the same attachments, which is answered. */
    edit: base
      .route({ method: 'POST', path: '/turns/{turnId}/versions' })
      .input(answerers.extend({ ...turnId.shape, text: z.string().max(5_000_000) }))
      .output(turnSchema),
    /** Lets an answer that was cut go on where its text ends, by its model. `BAD_INPUT` when it had come to its end. */
    continue: base
      .route({ method: 'POST', path: '/answers/{answerId}/continue' })
      .input(answerId)
      .output(turnSchema),
    /** Has another model answer than the one that Auto chose; with `isRemembered` the message becomes an example for the router. */
    overrule: base
      .route({ method: 'POST', path: '/answers/{answerId}/overrule' })
      .input(answerId.extend({ modelId: z.string(), isRemembered: z.boolean().default(false) }))
      .output(turnSchema),
    /**
     * Has the verifier read an answer that has ended and, at the end of the shown path, has it repaired when it fails. What it says comes over
     * `conversations.watch`. `NOT_FOUND` when no model verifies, `MODEL_BUSY` while an answer of the conversation is under way.
     */
    check: base
      .route({ method: 'POST', path: '/answers/{answerId}/check' })
      .input(answerId)
      .output(turnSchema),
    /** Changes the text of an answer, which models read from then on; null: as the model wrote it. */
    editAnswer: base
      .route({ method: 'PATCH', path: '/answers/{answerId}' })
      .input(answerId.extend({ text: messageText.nullable() }))
      .output(turnSchema),
    /**
     * Lets the path go through this version of a message, and on as it last did; with an answer of it, that one is kept. `MODEL_BUSY` while an answer
     * of another turn is under way, unless nothing changes.
     */
    show: base
      .route({ method: 'POST', path: '/turns/{turnId}/show' })
      .input(turnId.extend({ answerId: z.string().optional() }))
      .output(conversationSchema),
    /** A new conversation with a copy of the path up to this turn, its answers, their text and figures. */
    branch: base
      .route({ method: 'POST', path: '/turns/{turnId}/branch' })
      .input(turnId)
      .output(conversationSchema),
    /** Deletes a turn with everything below it. */
    delete: base.route({ method: 'DELETE', path: '/turns/{turnId}' }).input(turnId).output(z.void()),
    /** Brings a turn back that was deleted since the host started. */
    restore: base
      .route({ method: 'POST', path: '/turns/{turnId}/restore' })
      .input(turnId)
      .output(conversationSchema),
    /** Ends the answers of a turn that are being written, or one of them, keeping their text. Harmless when there is none. */
    stop: base
      .route({ method: 'POST', path: '/turns/{turnId}/stop' })
      .input(turnId.extend({ answerId: z.string().optional() }))
      .output(z.void()),
    /** What asking these models at once would take, in the order in which they would answer. Nothing happens by asking. */
    plan: base
      .route({ method: 'POST', path: '/turns/plan' })
      .input(z.object({ modelIds: z.array(z.string()).min(1).max(mostAnswerers) }))
      .output(turnPlanSchema),
  },
  routing: {
    /** What the user has taught the router, newest first. */
    examples: base.route({ method: 'GET', path: '/routing/examples' }).output(z.array(routeExampleSchema)),
    /** Keeps the message of an answer that was overruled as an example. */
    remember: base
      .route({ method: 'POST', path: '/answers/{answerId}/remember' })
      .input(answerId)
      .output(turnSchema),
    /** Harmless when it is not there. */
    forget: base
      .route({ method: 'DELETE', path: '/routing/examples/{id}' })
      .input(z.object({ id: z.string() }))
      .output(z.void()),
  },
  attachments: {
    /**
     * Takes a file (base64) or a pasted text for a message that is still to be sent. `BAD_INPUT` says what is wrong: no text in it, too
     * large, a PDF that cannot be read.
     */
    add: base
      .route({ method: 'POST', path: '/attachments' })
      .input(
        z
          .object({
            name: z.string().trim().min(1).max(255),
            data: z.base64().optional(),
            text: z.string().max(maxAttachmentCharacters).optional(),
          })
          .refine(
            ({ data, text }) => (data === undefined) !== (text === undefined),
            'Takes either "data" or "text"',
          ),
      )
      .output(attachmentSchema),
    text: base
      .route({ method: 'GET', path: '/attachments/{id}' })
      .input(z.object({ id: z.string() }))
      .output(z.object({ text: z.string() })),
    /** Cuts the end of one that is not sent yet, so that it has about so many tokens for a model. */
    cut: base
      .input(z.object({ id: z.string(), modelId: z.string(), tokens: z.number().int().min(1) }))
      .output(attachmentSchema),
    /** Takes one away that is not sent yet. Harmless when it is not there. */
    remove: base.input(z.object({ id: z.string() })).output(z.void()),
  },
  settings: {
    get: base.route({ method: 'GET', path: '/settings' }).output(settingsSchema),
    /** The settings now, and after each change, whoever made it. */
    watch: base.output(eventIterator(settingsSchema)),
    set: base
      .route({ method: 'PATCH', path: '/settings' })
      .input(settingsChangesSchema)
      .output(settingsSchema),
  },
}
