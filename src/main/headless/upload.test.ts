import { once } from 'node:events'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toProblem } from '../../contract/errors.ts'
import type { AddResult } from '../../contract/model.ts'
import { sanitizeUploadName, uploadNames } from './upload-name.ts'
import { receiveUpload, removeBrokenUploads } from './upload.ts'

describe('sanitizeUploadName', () => {
  it.each([
    ['model.gguf', 'model.gguf'],
    ['MODEL.GGUF', 'MODEL.GGUF'],
    ['../../etc/passwd.gguf', 'passwd.gguf'],
    ['C:\\models\\a.gguf', 'a.gguf'],
    ['a:b*c?.gguf', 'a_b_c_.gguf'],
    ['line\nbreak.gguf', 'line_break.gguf'],
    ['...hidden.gguf', 'hidden.gguf'],
    ['con.gguf', '_con.gguf'],
    ['Modèle 7B.gguf', 'Modèle 7B.gguf'],
    [`${'x'.repeat(300)}.gguf`, `${'x'.repeat(200)}.gguf`],
    ['big-00001-of-00003.gguf', 'big-00001-of-00003.gguf'],
    ['model.bin', null],
    ['.gguf', null],
    ['model.gguf.exe', null],
    ['', null],
  ])('makes %j into %j', (name, expected) => {
    expect(sanitizeUploadName(name)).toBe(expected)
  })

  it('numbers a name that is taken, but never a part of a split model', () => {
    expect(uploadNames('a.gguf').take(3).toArray()).toEqual(['a.gguf', 'a (2).gguf', 'a (3).gguf'])
    expect([...uploadNames('a-00001-of-00002.gguf')]).toEqual(['a-00001-of-00002.gguf'])
  })
})

describe('receiveUpload', () => {
  const place = { folder: '', added: [] as string[] }
  beforeEach(() => {
    place.folder = mkdtempSync(path.join(tmpdir(), 'plenum-upload-'))
    place.added = []
  })
  afterEach(() => rmSync(place.folder, { recursive: true }))

  async function withServer<Result>(
    name: string,
    use: (port: number, outcome: Promise<unknown>) => Promise<Result>,
    result: AddResult['kind'] = 'known',
  ): Promise<Result> {
    const outcome = Promise.withResolvers<unknown>()
    const server = createServer((incoming, response) => {
      const received = receiveUpload(incoming, {
        name,
        modelsFolder: place.folder,
        add: async (file) => {
          place.added.push(path.basename(file))
          // Only `kind` is looked at.
          return [{ kind: result }] as AddResult[]
        },
      })
      received.then(outcome.resolve, (error: unknown) => outcome.resolve(toProblem(error)))
      void received.catch(() => undefined).then(() => response.end())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      return await use((server.address() as AddressInfo).port, outcome.promise)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }

  async function put(name: string, body: string, result?: AddResult['kind']): Promise<unknown> {
    return withServer(
      name,
      async (port, outcome) => {
        await fetch(`http://127.0.0.1:${String(port)}/`, { method: 'PUT', body })
        return outcome
      },
      result,
    )
  }

  it('stores the file under its name, adds it, and never overwrites another', async () => {
    writeFileSync(path.join(place.folder, 'a.gguf'), 'mine')
    expect(await put('a.gguf', 'theirs')).toEqual([{ kind: 'known' }])
    expect(place.added).toEqual(['a (2).gguf'])
    expect(readdirSync(place.folder)).toEqual(['a (2).gguf', 'a.gguf'])
    expect(readFileSync(path.join(place.folder, 'a.gguf'), 'utf8')).toBe('mine')
    expect(readFileSync(path.join(place.folder, 'a (2).gguf'), 'utf8')).toBe('theirs')
  })

  it('takes the same file sent again for the one that is there, and never removes that', async () => {
    writeFileSync(path.join(place.folder, 'a.gguf'), 'twice')
    await put('a.gguf', 'twice', 'refused')
    await put('a.gguf', 'other', 'known')
    expect([place.added, readdirSync(place.folder)]).toEqual([
      ['a.gguf', 'a (2).gguf'],
      ['a (2).gguf', 'a.gguf'],
    ])
  })

  it('keeps nothing of a file that the library refuses, except a part of a split model', async () => {
    await put('junk.gguf', 'junk', 'refused')
    await put('big-00001-of-00002.gguf', 'part', 'refused')
    expect(readdirSync(place.folder)).toEqual(['big-00001-of-00002.gguf'])
  })

  it('refuses another file for a part of a split model', async () => {
    writeFileSync(path.join(place.folder, 'big-00001-of-00002.gguf'), 'mine')
    expect(await put('big-00001-of-00002.gguf', 'theirs')).toMatchObject({ code: 'BAD_INPUT' })
    expect(readFileSync(path.join(place.folder, 'big-00001-of-00002.gguf'), 'utf8')).toBe('mine')
  })

  it('leaves nothing behind when the sender goes away', async () => {
    const outcome = await withServer('a.gguf', async (port, received) => {
      const sender = request({ port, host: '127.0.0.1', method: 'PUT', headers: { 'content-length': 1000 } })
      sender.on('error', () => undefined)
      sender.write('only this', () => sender.destroy())
      return received
    })
    expect(outcome).toMatchObject({ code: 'INTERNAL' })
    expect(readdirSync(place.folder)).toEqual([])
    expect(place.added).toEqual([])
  })

  it('refuses what does not fit on the disk before reading it', async () => {
    const disk = statfsSync(place.folder)
    const bytes = disk.bavail * disk.bsize * 2
    const outcome = await withServer('a.gguf', async (port, received) => {
      const sender = request({ port, host: '127.0.0.1', method: 'PUT', headers: { 'content-length': bytes } })
      sender.on('error', () => undefined)
      sender.flushHeaders()
      return received.finally(() => sender.destroy())
    })
    expect(outcome).toMatchObject({ code: 'DISK_FULL', details: { path: place.folder } })
    expect(readdirSync(place.folder)).toEqual([])
  })

  it('refuses a file of unknown length', async () => {
    const outcome = await withServer('a.gguf', async (port, received) => {
      const sender = request({ port, host: '127.0.0.1', method: 'PUT' })
      sender.on('error', () => undefined)
      sender.write('chunked')
      sender.end()
      return received
    })
    expect(outcome).toMatchObject({ code: 'BAD_INPUT' })
  })

  it('removes what a killed host left, and not what may still be sent', async () => {
    const old = path.join(place.folder, '.upload-00000000-0000-4000-8000-000000000000.part')
    const young = path.join(place.folder, '.upload-00000000-0000-4000-8000-000000000001.part')
    const other = path.join(place.folder, 'other.part')
    for (const file of [old, young, other]) writeFileSync(file, 'x')
    utimesSync(old, 0, 0)
    utimesSync(other, 0, 0)
    await removeBrokenUploads(place.folder)
    expect(readdirSync(place.folder)).toEqual([path.basename(young), 'other.part'])
  })
})
