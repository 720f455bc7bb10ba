/**
 * Whether a browser sent this from a page of this very origin, for requests that are known by a cookie: SameSite=Strict keeps other sites away, but not
 * another port of this host or a sister domain.
 *
 * `Sec-Fetch-Site` says so where the browser sends it: over https, and to the machine itself. `none` is a person (the address bar), who does not post.
 * Without it (plain http in a network) the origin must be of the host that was asked for. Neither is there in a plain GET of such a browser, and
 * in what is no browser.
 */
export function isSameOrigin(request: Request): boolean {
  const { headers, method, url } = request
  const reads = method === 'GET' || method === 'HEAD'
  const site = headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin' || (reads && site === 'none')
  const origin = headers.get('origin')
  if (origin === null) return reads
  return URL.parse(origin)?.host === (headers.get('host') ?? new URL(url).host).toLowerCase()
}
