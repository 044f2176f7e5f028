import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findPageFile } from './page-files.ts'

const place = { folder: '', page: '' }
beforeAll(() => {
  place.folder = mkdtempSync(path.join(tmpdir(), 'plenum-page-'))
  place.page = path.join(place.folder, 'page')
  mkdirSync(path.join(place.page, 'assets'), { recursive: true })
  mkdirSync(path.join(place.folder, 'page-other'))
  writeFileSync(path.join(place.page, 'index.html'), '<!doctype html>')
  writeFileSync(path.join(place.page, 'assets', 'a b.js'), '1')
  writeFileSync(path.join(place.folder, 'secret.json'), '{}')
  writeFileSync(path.join(place.folder, 'page-other', 'secret.json'), '{}')
})
afterAll(() => rmSync(place.folder, { recursive: true }))

it('finds the page and its assets', async () => {
  expect([await findPageFile(place.page, '/'), await findPageFile(place.page, '/assets/a%20b.js')]).toEqual([
    {
      path: path.join(place.page, 'index.html'),
      bytes: 15,
      contentType: 'text/html; charset=utf-8',
      isImmutable: false,
    },
    {
      path: path.join(place.page, 'assets', 'a b.js'),
      bytes: 1,
      contentType: 'text/javascript; charset=utf-8',
      isImmutable: true,
    },
  ])
})

it.each([
  '/../secret.json',
  '/%2e%2e/secret.json',
  '/..%2fsecret.json',
  '/assets/../../secret.json',
  '/..%5csecret.json',
  '/../page-other/secret.json',
  '/%00',
  '/%',
  '/assets',
  '/nothing.js',
  'secret.json',
  '/C:/secret.json',
])('does not serve %s', async (urlPath) => {
  expect(await findPageFile(place.page, urlPath)).toBeNull()
})
