import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findInFolder, findOtherApps } from './model-finder.ts'

const test = { root: '' }
beforeEach(() => {
  test.root = mkdtempSync(path.join(tmpdir(), 'plenum-finder-'))
})
afterEach(() => rmSync(test.root, { recursive: true }))

describe('findInFolder', () => {
  it('finds files below a folder, through links, once each, and ends in spite of loops', async () => {
    write('models/a.gguf')
    write('models/deep/er/b-00001-of-00002.gguf')
    write('models/deep/er/b-00002-of-00002.gguf')
    write('models/notes.txt')
    write('models/.hidden/c.gguf')
    write('elsewhere/d.gguf')
    symlinkSync(at('elsewhere'), at('models/linked'))
    symlinkSync(at('models'), at('models/deep/loop'))
    symlinkSync(at('gone'), at('models/broken.gguf'))
    mkdirSync(at('models/folder.gguf'))
    if (process.platform !== 'win32') execFileSync('mkfifo', [at('models/pipe.gguf')])
    const { models, folders } = await findInFolder(at('models'), { source: 'folder' })
    expect(models.map(({ paths }) => paths.map(relative))).toEqual([
      ['models/a.gguf'],
      ['models/deep/er/b-00001-of-00002.gguf', 'models/deep/er/b-00002-of-00002.gguf'],
      ['models/linked/d.gguf'],
    ])
    expect(folders.map(relative)).toEqual([
      'models',
      'models/deep',
      'models/deep/er',
      'models/folder.gguf',
      'models/linked',
    ])
  })

  it('finds nothing in a folder that is not there', async () => {
    expect(await findInFolder(at('gone'), { source: 'folder' })).toEqual({ models: [], folders: [] })
  })
})

describe('findOtherApps', () => {
  it('finds the models of LM Studio in its home, its old home, and where its settings say', async () => {
    write('.lmstudio/models/maker/one-GGUF/one.gguf')
    write('.cache/lm-studio/models/maker/old/two.gguf')
    write('big disk/maker/three/three.gguf')
    write('moved/models/maker/four/four.gguf')
    write('.lmstudio/settings.json', JSON.stringify({ downloadsFolder: at('big disk') }))
    write('.lmstudio-home-pointer', `${at('moved')}\n`)
    expect(await find()).toEqual([
      ['lm-studio', null, 'moved/models/maker/four/four.gguf'],
      ['lm-studio', null, '.lmstudio/models/maker/one-GGUF/one.gguf'],
      ['lm-studio', null, '.cache/lm-studio/models/maker/old/two.gguf'],
      ['lm-studio', null, 'big disk/maker/three/three.gguf'],
    ])
  })

  it.each([
    ['linux', '.config/LM Studio'],
    ['darwin', 'Library/Application Support/LM Studio'],
    ['win32', 'AppData/Roaming/LM Studio'],
  ] as const)('reads the settings of LM Studio on %s', async (platform, folder) => {
    write('disk/maker/one/one.gguf')
    write(`${folder}/settings.json`, JSON.stringify({ downloadsFolder: at('disk') }))
    expect(await find({ platform })).toEqual([['lm-studio', null, 'disk/maker/one/one.gguf']])
  })

  it('finds the models of Ollama by their manifests, with their names and projectors', async () => {
    const model = blob('a')
    const seeing = blob('b')
    const projector = blob('c')
    manifest('registry.ollama.ai/library/llama3.2/3b', { model })
    manifest('registry.ollama.ai/someone/fine-tune/latest', { model: seeing, projector })
    manifest('hf.co/bartowski/Tiny-GGUF/Q4_K_M', { model })
    manifest('registry.ollama.ai/library/lost/latest', { model: `sha256:${'f'.repeat(64)}` })
    write('.ollama/models/manifests/registry.ollama.ai/library/odd/latest', 'no json')
    expect(await findOtherApps(places())).toMatchObject({
      models: [
        {
          source: 'ollama',
          name: 'hf.co/bartowski/Tiny-GGUF:Q4_K_M',
          paths: [at(`.ollama/models/blobs/${model.replace(':', '-')}`)],
          projectorPath: null,
        },
        {
          source: 'ollama',
          name: 'someone/fine-tune:latest',
          paths: [at(`.ollama/models/blobs/${seeing.replace(':', '-')}`)],
          projectorPath: at(`.ollama/models/blobs/${projector.replace(':', '-')}`),
        },
      ],
    })
  })

  it('looks where OLLAMA_MODELS says', async () => {
    write(`shared/blobs/sha256-${'a'.repeat(64)}`)
    write(
      'shared/manifests/registry.ollama.ai/library/tiny/1b',
      JSON.stringify({
        layers: [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${'a'.repeat(64)}` }],
      }),
    )
    expect(await find({ env: { OLLAMA_MODELS: at('shared') } })).toEqual([
      ['ollama', 'tiny:1b', `shared/blobs/sha256-${'a'.repeat(64)}`],
    ])
  })

  it.each([
    [{}, '.cache/huggingface/hub'],
    [{ XDG_CACHE_HOME: 'caches' }, 'caches/huggingface/hub'],
    [{ HF_HOME: 'hf' }, 'hf/hub'],
    [{ HF_HOME: 'hf', HF_HUB_CACHE: 'hub' }, 'hub'],
  ])('finds the models of the Hugging Face cache with %j', async (variables, hub) => {
    const env = Object.fromEntries(Object.entries(variables).map(([name, folder]) => [name, at(folder)]))
    const repository = `${hub}/models--maker--tiny-GGUF`
    write(`${repository}/blobs/1234`)
    write(`${repository}/snapshots/old/tiny.gguf`)
    mkdirSync(at(`${repository}/snapshots/new/sub`), { recursive: true })
    symlinkSync('../../../blobs/1234', at(`${repository}/snapshots/new/sub/tiny.gguf`))
    symlinkSync('../../blobs/1234', at(`${repository}/snapshots/new/again.gguf`))
    write(`${hub}/datasets--maker--data/snapshots/new/data.gguf`)
    const found = await find({ env })
    expect(found.toSorted()).toEqual([
      ['hugging-face', null, `${repository}/snapshots/new/again.gguf`],
      ['hugging-face', null, `${repository}/snapshots/old/tiny.gguf`],
    ])
  })
})

function at(name: string): string {
  return path.join(test.root, name)
}

function relative(file: string): string {
  return path.relative(test.root, file).replaceAll(path.sep, '/')
}

function write(name: string, content = 'GGUF'): void {
  mkdirSync(path.dirname(at(name)), { recursive: true })
  writeFileSync(at(name), content)
}

function blob(letter: string): string {
  write(`.ollama/models/blobs/sha256-${letter.repeat(64)}`)
  return `sha256:${letter.repeat(64)}`
}

function manifest(name: string, { model, projector }: { model: string; projector?: string }): void {
  const layers = [
    { mediaType: 'application/vnd.ollama.image.model', digest: model, size: 4 },
    ...(projector === undefined
      ? []
      : [{ mediaType: 'application/vnd.ollama.image.projector', digest: projector, size: 4 }]),
    { mediaType: 'application/vnd.ollama.image.template', digest: `sha256:${'d'.repeat(64)}`, size: 4 },
  ]
  write(`.ollama/models/manifests/${name}`, JSON.stringify({ schemaVersion: 2, layers }))
}

function places(change: { env?: Record<string, string>; platform?: NodeJS.Platform } = {}) {
  return { home: test.root, env: {}, platform: 'linux' as const, serviceFolders: [], ...change }
}

async function find(change: { env?: Record<string, string>; platform?: NodeJS.Platform } = {}) {
  const { models } = await findOtherApps(places(change))
  return models.map(({ source, name, paths }) => [source, name, relative(paths[0] ?? '')])
}
