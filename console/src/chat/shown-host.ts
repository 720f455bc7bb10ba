/**
 * Where a link goes, as it stands beside its words; null: the words say it themselves, because they are that address or its host. Words that only
 * contain it say nothing: `bank.example/login?to=evil.example` would.
 */
export function shownHost(url: URL, words: unknown): string | null {
  if (url.protocol === 'mailto:') return words === url.pathname ? null : 'mail'
  return typeof words === 'string' && hostSaid(words.trim()) === url.host ? null : url.host
}

function hostSaid(words: string): string | null {
  const url = URL.parse(words.includes('://') ? words : `https://${words}`)
  return url && url.username === '' && url.password === '' && !/\s/.test(words) ? url.host : null
}
