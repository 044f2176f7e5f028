import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../contract/errors.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { settingsSchema } from '../../contract/settings.ts'
import { text, uint32, writeGgufFile, writeSplitGgufFile } from '../../testing/gguf-file.ts'
import { llamaFile, tinyShape } from '../../testing/shapes.ts'
import { openDatabase } from './database.ts'
import { Library } from './library.ts'
import { startNodeChild } from './node-starter.ts'
import { createProbe, type Probe, ProbeTimeout } from './probe.ts'

const program = path.resolve(import.meta.dirname, '../model/index.ts')
const demoModels = path.resolve(import.meta.dirname, '../../../resources/demo-models')

const probe = createProbe({ start: startNodeChild, file: program, env: { PLENUM_DEVICE: 'cpu' } })
afterAll(() => probe[Symbol.asyncDispose]())

describe('Library', () => {
  let place: TestPlace
  beforeEach(() => {
    place = new TestPlace()
  })
  afterEach(() => place[Symbol.asyncDispose]())

  it('lists the demo models at once and says what they are when they are inspected', async () => {
    const library = place.open({ demoFolder: demoModels })
    expect(library.list().map(({ id, file }) => [id, file.kind])).toEqual([
      ['demo-coder-2.2m-f16', 'inspecting'],
      ['demo-guide-2.2m-f16', 'inspecting'],
      ['demo-judge-2.2m-q8_0', 'inspecting'],
    ])
    await library.rescan()
    expect(
      library.list().map((model) => ({
        name: model.name,
        source: model.source,
        colour: model.colour,
        description: model.file.kind === 'usable' && model.file.facts.description,
        quantization: model.file.kind === 'usable' && model.file.facts.quantization,
      })),
    ).toEqual([
      {
        name: 'Coder',
        source: 'demo',
        colour: 0,
        description: 'Demo model: writes small pieces of code. A tiny model, for trying the app.',
        quantization: 'F16',
      },
      {
        name: 'Guide',
        source: 'demo',
        colour: 1,
        description: 'Demo model: answers questions about the app. A tiny model, for trying the app.',
        quantization: 'F16',
      },
      {
        name: 'Judge',
        source: 'demo',
        colour: 2,
        description: 'Demo model: sorts requests and checks answers. A tiny model, for trying the app.',
        quantization: 'Q8_0',
      },
    ])
  })

  it('adds a file, and knows it again by path, link and other name', async () => {
    const library = place.open()
    const file = place.model('Tiny Model.gguf')
    const [added] = await library.add(file)
    expect(added).toMatchObject({
      kind: 'added',
      model: {
        id: 'tiny-model',
        name: 'Tiny Model',
        source: 'added',
        paths: [file],
        file: { kind: 'usable' },
      },
    })
    symlinkSync(file, place.at('link.gguf'))
    linkSync(file, place.at('other-name.gguf'))
    for (const again of [file, place.at('link.gguf'), place.at('other-name.gguf')])
      expect(await library.add(again)).toEqual([{ kind: 'known', model: library.get('tiny-model') }])
    expect(library.list()).toHaveLength(1)
  })

  it('adds a file once when two add it at the same time', async () => {
    const library = place.open()
    const file = place.model('tiny.gguf')
    const results = await Promise.all([library.add(file), library.add(file)])
    expect(
      results
        .flat()
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['added', 'known'])
    expect(library.list()).toHaveLength(1)
  })

  it('refuses a file that is no model, and does not keep it', async () => {
    const library = place.open()
    writeFileSync(place.at('notes.gguf'), 'just text')
    const changes: string[] = []
    library.onChange(() =>
      changes.push(
        library
          .list()
          .map(({ file }) => file.kind)
          .join(),
      ),
    )
    expect(await library.add(place.at('notes.gguf'))).toEqual([
      {
        kind: 'refused',
        path: place.at('notes.gguf'),
        problem: {
          code: 'BAD_MODEL_FILE',
          message: 'Cannot read "notes.gguf": not a GGUF file, it begins with "just"',
          details: { path: place.at('notes.gguf'), help: 'Choose a file in the GGUF format.' },
        },
      },
    ])
    // It was to be seen while it was looked at.
    expect([changes[0], changes.at(-1)]).toEqual(['inspecting', ''])
    expect(library.list()).toEqual([])
  })

  it('refuses a file that is not there and a folder without models', async () => {
    const library = place.open()
    mkdirSync(place.at('empty'))
    expect(await library.add(place.at('gone.gguf'))).toMatchObject([
      { kind: 'refused', problem: { code: 'NOT_FOUND' } },
    ])
    expect(await library.add(place.at('empty'))).toMatchObject([
      {
        kind: 'refused',
        problem: { code: 'NOT_FOUND', message: 'Cannot add "empty": no GGUF model is in this folder' },
      },
    ])
  })

  it('adds every model of a folder: split files once, projectors to the models beside them', async () => {
    const library = place.open()
    mkdirSync(place.at('models'))
    const parts = writeSplitGgufFile(place.at('models/big'), llamaFile(tinyShape, { name: 'Big' }), 3)
    const seeing = place.model('models/seeing/tiny-vl-Q4_K_M.gguf', { name: 'Seeing' })
    const projector = place.projector('models/seeing/mmproj-tiny-vl-f16.gguf')
    writeFileSync(place.at('models/readme.txt'), 'no model')
    symlinkSync(place.at('models'), place.at('models/loop'))
    const results = await library.add(place.at('models'))
    expect(results.map(({ kind }) => kind)).toEqual(['added', 'added'])
    expect(library.list().map(({ name, paths, projectorPath }) => ({ name, paths, projectorPath }))).toEqual([
      { name: 'Big', paths: parts, projectorPath: null },
      { name: 'Seeing', paths: [seeing], projectorPath: projector },
    ])
  })

  it('takes any part of a split model for the whole', async () => {
    const library = place.open()
    const parts = writeSplitGgufFile(place.at('big'), llamaFile(tinyShape), 3)
    const [result] = await library.add(parts[1] ?? '')
    expect(result).toMatchObject({ kind: 'added', model: { id: 'big', paths: parts } })
  })

  it('says of a projector alone what it is', async () => {
    const library = place.open()
    const [result] = await library.add(place.projector('mmproj-model-f16.gguf'))
    expect(result).toMatchObject({
      kind: 'refused',
      problem: {
        message: 'Cannot add "mmproj-model-f16.gguf": it is an image projector (mmproj), not a model',
      },
    })
    expect(library.list()).toEqual([])
  })

  it('survives a restart without inspecting again', async () => {
    const file = place.model('tiny.gguf')
    const first = place.open()
    await first.add(file)
    first.update('tiny', { name: 'My model', loadOptions: { contextTokens: 256 } })
    first.setPinned('tiny', true)
    const before = first.list()
    await first[Symbol.asyncDispose]()

    const inspected: string[] = []
    const second = place.open({ probe: spy(inspected) })
    await second.rescan()
    expect(second.list()).toEqual(before)
    expect(second.get('tiny')).toMatchObject({
      name: 'My model',
      pinned: true,
      loadOptions: { contextTokens: 256 },
    })
    expect(inspected).toEqual([])
  })

  it('shows a file that has vanished as missing, and takes it back when it returns', async () => {
    const library = place.open()
    const file = place.model('tiny.gguf')
    await library.add(file)
    renameSync(file, place.at('elsewhere.bin'))
    await stateOf(library, 'tiny', 'missing')
    renameSync(place.at('elsewhere.bin'), file)
    await stateOf(library, 'tiny', 'usable')
  })

  it('forgets what was removed until it is added by hand', async () => {
    const folder = place.at('watched')
    const file = place.model('watched/tiny.gguf')
    const library = place.open({ modelFolders: [folder] })
    await library.rescan()
    library.remove('tiny')
    await library.rescan()
    expect(library.list()).toEqual([])
    await library[Symbol.asyncDispose]()

    const later = place.open({ modelFolders: [folder] })
    await later.rescan()
    expect(later.list()).toEqual([])
    expect(await later.add(file)).toMatchObject([{ kind: 'added' }])
    expect(() => later.remove('nobody')).toThrow(AppError)
  })

  it('finds what comes into a watched folder, also below it, and keeps what is broken with its problem', async () => {
    const folder = place.at('watched')
    mkdirSync(folder)
    const library = place.open({ modelFolders: [folder] })
    await library.rescan()
    mkdirSync(place.at('watched/publisher'))
    place.model('watched/publisher/tiny.gguf')
    writeFileSync(place.at('watched/broken.gguf'), 'broken')
    await stateOf(library, 'tiny', 'usable')
    await stateOf(library, 'broken', 'unusable')
    expect(
      library
        .list()
        .map(({ id, source }) => [id, source])
        .sort(),
    ).toEqual([
      ['broken', 'folder'],
      ['tiny', 'folder'],
    ])
    // A download that was not complete when it was first seen.
    place.model('watched/broken.gguf')
    await stateOf(library, 'broken', 'usable')
  })

  it('drops what came from a folder that is watched no more', async () => {
    const file = place.model('watched/tiny.gguf')
    const settings = { modelFolders: [path.dirname(file)] }
    const library = place.open(settings)
    await library.rescan()
    expect(library.list()).toHaveLength(1)
    settings.modelFolders = []
    await library.rescan()
    expect(library.list()).toEqual([])
  })

  it('uses what other apps have, under their names', async () => {
    const home = place.at('home')
    place.model('home/.lmstudio/models/maker/tiny-GGUF/tiny-Q8_0.gguf', { name: 'Tiny' })
    const blob = `sha256-${'a'.repeat(64)}`
    place.model(`home/.ollama/models/blobs/${blob}`, { name: 'Inner name' })
    place.write(
      'home/.ollama/models/manifests/registry.ollama.ai/library/llama3.2/3b',
      JSON.stringify({
        layers: [
          { mediaType: 'application/vnd.ollama.image.model', digest: blob.replace('-', ':'), size: 1 },
        ],
      }),
    )
    const library = place.open({ home, findOtherApps: true })
    await library.rescan()
    expect(library.list().map(({ id, name, source, file }) => [id, name, source, file.kind])).toEqual([
      ['tiny-q8_0', 'Tiny', 'lm-studio', 'usable'],
      ['llama3.2-3b', 'llama3.2:3b', 'ollama', 'usable'],
    ])
  })

  it('gives ids, names and colours that are free', async () => {
    const library = place.open()
    await library.add(place.model('one/model.gguf', { name: 'Same' }))
    await library.add(place.model('two/model.gguf', { name: 'Same' }))
    await library.add(place.model('three/model.gguf', { name: 'Same' }))
    const seen = library.list().map(({ id, name, colour }) => [id, name, colour])
    expect(seen).toEqual([
      ['model', 'Same', 0],
      ['model-2', 'Same F16', 1],
      ['model-3', 'model', 2],
    ])
    library.remove('model-2')
    await library.add(place.model('four/new.gguf', { name: 'New' }))
    expect(library.get('new')).toMatchObject({ colour: 1 })
    expect(library.get('model-3')).toMatchObject({ colour: 2 })
  })

  it('gives a found file that took too long more time, once', async () => {
    const file = place.model('watched/slow.gguf')
    const asked: (number | undefined)[] = []
    const slowProbe: Probe = {
      ...spy([]),
      inspect: async (paths, options) => {
        asked.push(options?.limitMs)
        if (options?.limitMs === undefined)
          throw new AppError('BAD_MODEL_FILE', 'Too slow', { cause: new ProbeTimeout() })
        return probe.inspect(paths, options)
      },
    }
    const library = place.open({ modelFolders: [path.dirname(file)], probe: slowProbe })
    await library.rescan()
    expect(library.get('slow')).toMatchObject({ file: { kind: 'usable' } })
    await library.rescan()
    expect(asked).toEqual([undefined, 60_000])
  })

  it('gives demo models their roles, also those from before there were any, and what the user says of them stays', async () => {
    const names = ({ role }: LibraryModel) => role?.labels.map(({ name }) => name)
    const first = place.open({ demoFolder: demoModels })
    expect(first.list().map(names)).toEqual([['code'], ['chat', 'math', 'memory'], []])
    expect(first.get('demo-judge-2.2m-q8_0')?.role).toMatchObject({ routes: true, verifies: true })
    first.update('demo-coder-2.2m-f16', {
      role: { labels: [{ name: 'sql' }], routes: false, verifies: false },
    })
    expect(first.update('demo-judge-2.2m-q8_0', { role: null }).role).toBeUndefined()
    await first[Symbol.asyncDispose]()
    place.database.exec(
      "UPDATE models SET entry = json_remove(entry, '$.hasOwnRole', '$.model.role') WHERE id LIKE '%guide%'",
    )
    const second = place.open({ demoFolder: demoModels })
    expect(second.list().map(names)).toEqual([['sql'], ['chat', 'math', 'memory'], undefined])
  })

  it('moves the demo models along when the app lies in another folder', async () => {
    const first = place.open({ demoFolder: demoModels })
    await first.rescan()
    first.remove('demo-judge-2.2m-q8_0')
    first.setPinned('demo-guide-2.2m-f16', true)
    await first[Symbol.asyncDispose]()
    mkdirSync(place.at('mounted'))
    for (const name of ['demo-coder-2.2m-f16', 'demo-guide-2.2m-f16', 'demo-judge-2.2m-q8_0'])
      copyFileSync(path.join(demoModels, `${name}.gguf`), place.at(`mounted/${name}.gguf`))
    const second = place.open({ demoFolder: place.at('mounted') })
    await second.rescan()
    expect(second.list().map(({ id, paths, pinned, file }) => [id, paths[0], pinned, file.kind])).toEqual([
      ['demo-coder-2.2m-f16', place.at('mounted/demo-coder-2.2m-f16.gguf'), false, 'usable'],
      ['demo-guide-2.2m-f16', place.at('mounted/demo-guide-2.2m-f16.gguf'), true, 'usable'],
    ])
  })
})

/** Resolves when an entry's file is in a state. */
async function stateOf(library: Library, id: string, kind: LibraryModel['file']['kind']): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<null>()
  const look = () => {
    if (library.get(id)?.file.kind === kind) resolve(null)
  }
  const unsubscribe = library.onChange(look)
  look()
  await promise
  unsubscribe()
}

/** The real probe, writing down what it was asked. */
function spy(inspected: string[]): Probe {
  return {
    inspect: (paths, options) => {
      inspected.push(...paths)
      return probe.inspect(paths, options)
    },
    device: () => probe.device(),
    readPdf: (data, options) => probe.readPdf(data, options),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

/** A folder of its own with a database, and the libraries opened on it. */
class TestPlace implements AsyncDisposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'plenum-library-'))
  readonly database = openDatabase(path.join(this.#folder, 'plenum.db'))
  readonly #open: Library[] = []
  readonly #defects: unknown[] = []

  at(name: string): string {
    return path.join(this.#folder, name)
  }

  write(name: string, content: string): string {
    mkdirSync(path.dirname(this.at(name)), { recursive: true })
    writeFileSync(this.at(name), content)
    return this.at(name)
  }

  model(name: string, options: { name?: string } = {}): string {
    mkdirSync(path.dirname(this.at(name)), { recursive: true })
    writeGgufFile(this.at(name), llamaFile(tinyShape, options))
    return this.at(name)
  }

  projector(name: string): string {
    mkdirSync(path.dirname(this.at(name)), { recursive: true })
    writeGgufFile(this.at(name), {
      metadata: [
        text('general.architecture', 'clip'),
        text('general.type', 'mmproj'),
        uint32('clip.vision.block_count', 2),
      ],
      tensors: [{ name: 'v.patch_embd.weight', type: 'F16', dimensions: [14, 14, 3, 64] }],
    })
    return this.at(name)
  }

  open(
    options: {
      demoFolder?: string
      home?: string
      probe?: Probe
      modelFolders?: string[]
      findOtherApps?: boolean
    } = {},
  ): Library {
    const library = new Library({
      database: this.database,
      probe: options.probe ?? probe,
      settings: () => ({
        ...settingsSchema.parse({}),
        modelFolders: options.modelFolders ?? [],
        findOtherApps: options.findOtherApps ?? false,
      }),
      demoFolder: options.demoFolder ?? this.at('no-demo'),
      modelsFolder: this.at('uploaded'),
      home: options.home ?? this.at('no-home'),
      env: {},
      quietMs: 20,
      onDefect: (error) => this.#defects.push(error),
    })
    this.#open.push(library)
    return library
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const library of this.#open) await library[Symbol.asyncDispose]()
    this.database.close()
    rmSync(this.#folder, { recursive: true })
    expect(this.#defects).toEqual([])
  }
}
