import { describe, expect, test } from 'vitest'
import { withDefinitions } from '../../console/src/chat/link-definitions.ts'
import { shownHost } from '../../console/src/chat/shown-host.ts'

describe('a link', () => {
  test.for<[url: string, words: unknown, shown: string | null]>([
    ['https://evil.example/x', 'the manual', 'evil.example'],
    ['https://evil.example/x', 'https://evil.example/y', null],
    ['https://evil.example/x', 'evil.example', null],
    ['https://evil.example:8443/x', 'evil.example', 'evil.example:8443'],
    ['http://www.example.org/a', 'www.example.org/a', null],
    ['https://evil.example/x', 'https://bank.example/login?next=evil.example', 'evil.example'],
    ['https://evil.example/x', 'evil.example.bank.example', 'evil.example'],
    ['https://evil.example/x', 'https://evil.example@bank.example/', 'evil.example'],
    ['https://bank.example@evil.example/x', 'https://bank.example', 'evil.example'],
    ['https://evil.example/x', 'evil.example is not where it goes', 'evil.example'],
    ['https://b\u00FCcher.example/', 'bücher.example', null],
    ['https://xn--pple-43d.example/', 'apple.example', 'xn--pple-43d.example'],
    ['https://evil.example/x', ['evil', '.example'], 'evil.example'],
    ['mailto:a@b.example', 'a@b.example', null],
    ['mailto:a@evil.example', 'my mail', 'mail'],
  ])('to %s that says “%s” shows %s beside it', ([url, words, shown]) => {
    expect(shownHost(new URL(url), words)).toBe(shown)
  })

  test.for<[what: string, blocks: string[], read: string[]]>([
    ['that is named', ['See [this][1] and [That].', '[1]: https://a.example\n[that]: https://b.example'], ['See [this][1] and [That].\n\n[1]: https://a.example\n[that]: https://b.example', '[1]: https://a.example\n[that]: https://b.example']],
    ['that holds, of two', ['[a]', '[A]: https://one.example', '[a]: https://two.example'], ['[a]\n\n[A]: https://one.example', '[A]: https://one.example', '[a]: https://two.example\n\n[A]: https://one.example']],
    ['and none where nothing is named', ['Said. [2]', '[1]: https://a.example'], ['Said. [2]', '[1]: https://a.example']],
    ['and none from code, or for it', ['[a]', '```\n[a]: https://a.example\n```', '~~~\n[b]\n~~~', '[b]: https://b.example'], ['[a]', '```\n[a]: https://a.example\n```', '~~~\n[b]\n~~~', '[b]: https://b.example']],
    ['but for no footnote', ['A[^1].', '[^1]: a note'], ['A[^1].', '[^1]: a note']],
  ])('is read with the definition %s', ([, blocks, read]) => {
    expect(withDefinitions(blocks)).toEqual(read)
  })
})
