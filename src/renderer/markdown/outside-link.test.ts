import { expect, test } from 'vitest'
import { describeLink, outsideUrl } from './outside-link.ts'

test('names the host and the whole address', () => {
  expect([
    describeLink('https://example.org:8443/a?b=1#c', 'the docs'),
    describeLink('mailto:a%40b@c.example?subject=x', 'mail'),
  ]).toEqual([
    { host: 'example.org:8443', address: 'https://example.org:8443/a?b=1#c', kind: 'web', warnings: [] },
    { host: 'a@b@c.example', address: 'mailto:a%40b@c.example?subject=x', kind: 'mail', warnings: [] },
  ])
})

test('says what may deceive: other letters, names before an @, another host in the text, numbers, no encryption', () => {
  const cases: [string, string][] = [
    ['https://аррӏе.com/', 'Apple'],
    ['https://google.com@evil.example/', 'Google'],
    ['https://evil.example/', 'www.google.com/mail'],
    ['http://192.168.0.1/', 'router'],
    ['https://www.example.org/', 'https://example.org'],
  ]
  expect(
    cases
      .map(([address, text]) => describeLink(address, text))
      .map(({ host, warnings }) => [host, warnings.length]),
  ).toEqual([
    ['xn--80ak6aa92e.com', 1],
    ['evil.example', 1],
    ['evil.example', 1],
    ['192.168.0.1', 2],
    ['www.example.org', 0],
  ])
})

test('only the web and mail are outside', () => {
  const others = [
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    'java\nscript:alert(1)',
    ' data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    '/a',
    '//b.example',
    'blob:https://a/b',
    'https://',
    '#x',
  ]
  expect(others.map(outsideUrl).filter((url) => url !== '')).toEqual([])
  expect(
    ['https://a.example', 'HTTP://b.example', 'mailto:c@d.example'].map((url) => outsideUrl(url) === url),
  ).toEqual([true, true, true])
})
