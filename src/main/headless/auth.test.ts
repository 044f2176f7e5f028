import type { IncomingHttpHeaders } from 'node:http'
import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import { allowedHosts, readHost } from './addresses.ts'
import { createGate } from './auth.ts'

const gate = createGate({ host: '127.0.0.1', port: 4780, token: 'secret-token' })
const open = createGate({ host: '127.0.0.1', port: 4780, token: null })

function request(headers: IncomingHttpHeaders, method = 'GET') {
  return { method, headers: { host: 'localhost:4780', ...headers } }
}

describe('the token', () => {
  it.each([
    ['a bearer token', { authorization: 'Bearer secret-token' }, 'allowed'],
    ['the cookie', { cookie: 'other=1; plenum-token-4780=secret-token' }, 'allowed'],
    ['no token', {}, 401],
    ['a wrong token', { authorization: 'Bearer secret-toke' }, 401],
    ['the cookie of a host on another port', { cookie: 'plenum-token-4781=secret-token' }, 401],
    ['a token in another scheme', { authorization: 'Basic secret-token' }, 401],
  ])('with %s', (_, headers, expected) => {
    const verdict = gate.check(request(headers))
    expect(verdict.kind === 'allowed' ? verdict.kind : verdict.status).toBe(expected)
  })

  it('is not asked for when there is none', () => {
    expect(open.check(request({}))).toEqual({ kind: 'allowed' })
  })

  it('comes back as a cookie that scripts and other sites cannot use', () => {
    expect(gate.cookie()).toBe(
      'plenum-token-4780=secret-token; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000',
    )
  })
})

describe('the source of a request', () => {
  const evil = { origin: 'https://evil.example' }
  it.each([
    ['the own page reads', request({ origin: 'http://localhost:4780' }), 'allowed'],
    ['the own page writes', request({ origin: 'http://localhost:4780' }, 'POST'), 'allowed'],
    ['a script writes', request({}, 'POST'), 'allowed'],
    ['an address by number', request({ host: '[::1]:4780' }), 'allowed'],
    ['a rebound DNS name', request({ host: 'evil.example:4780' }), 403],
    ['no host name', request({ host: '' }), 403],
    ['a malformed host name', request({ host: 'localhost:4780@evil.example' }), 403],
    ['another site reads', request(evil), 403],
    ['another site writes', request(evil, 'POST'), 403],
    ['a sandboxed frame writes', request({ origin: 'null' }, 'PUT'), 403],
    ['another port of this machine writes', request({ origin: 'http://localhost:3000' }, 'POST'), 403],
    ['another site writes without an origin', request({ 'sec-fetch-site': 'cross-site' }, 'POST'), 403],
    ['a link on another site', request({ 'sec-fetch-site': 'cross-site' }), 'allowed'],
  ])('%s', (_, source, expected) => {
    const verdict = open.checkSource(source)
    expect(verdict.kind === 'allowed' ? verdict.kind : verdict.status).toBe(expected)
  })

  it('counts a socket as a request that changes something', () => {
    const socket = request({ 'sec-fetch-site': 'same-site' })
    expect(open.checkSource(socket, { isSocket: true })).toMatchObject({ status: 403 })
    expect(open.checkSource(socket)).toEqual({ kind: 'allowed' })
  })
})

describe('the names of a host', () => {
  it('are those of the machine when it listens everywhere', () => {
    expect(allowedHosts('127.0.0.1')).toEqual(new Set(['localhost', '127.0.0.1', '::1']))
    expect(allowedHosts('0.0.0.0')).toContain(hostname().toLowerCase())
    expect(allowedHosts('spark.lan')).toContain('spark.lan')
  })

  it('are read without port and brackets', () => {
    expect(['a.b:1', '[::1]:80', '[::1]', 'LOCALHOST', 'a b', '', undefined, 'x:y'].map(readHost)).toEqual([
      'a.b',
      '::1',
      '::1',
      'localhost',
      null,
      null,
      null,
      null,
    ])
  })
})
