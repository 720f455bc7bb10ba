/** An organisation, or a project of it. */
export interface Place {
  readonly org: string
  readonly project?: string
}

export const PAGES = ['chats', 'runs', 'documents', 'people', 'projects', 'keys', 'settings'] as const

export type PageName = (typeof PAGES)[number]

/** All that the address bar says: nothing else decides what is shown. */
export interface Address {
  /** Null: none is named. Where the host knows the place, it never is. */
  readonly place: Place | null
  readonly page: PageName
  /** What of the page's things is open: a chat, a run, a document. */
  readonly id: string | null
  /** What is chosen on the page: a filter, a panel. */
  readonly search: Readonly<Record<string, string>>
}

/** Null: no page of the console. */
export function parseAddress(path: string, root: string): Address | null {
  const { pathname, searchParams } = new URL(path, 'http://console.invalid')
  if (pathname !== root && !pathname.startsWith(`${root}/`)) return null
  const search = Object.fromEntries(searchParams)
  const segments = pathname.slice(root.length).split('/').filter(Boolean).map(decode)
  if (segments.includes(null)) return null
  const { place, rest: [page = 'chats', id = null, ...more] } = placeOf(segments as string[])
  if (more.length > 0 || !isPage(page)) return null
  return { place, page, id, search }
}

export function formatAddress({ place, page, id, search }: Address, root: string): string {
  const segments = [...(place ? ['orgs', place.org] : []), ...(place?.project === undefined ? [] : ['projects', place.project]), page, ...(id === null ? [] : [id])]
  const query = new URLSearchParams(search).toString()
  return `${root}/${segments.map(encodeURIComponent).join('/')}${query === '' ? '' : `?${query}`}`
}

/** As a place is named wherever text is needed: a key of a list, of what is kept. */
export function placeKey(place: Place | null): string {
  return place === null ? '' : place.project === undefined ? place.org : `${place.org}/${place.project}`
}

export function samePlace(one: Place | null, other: Place | null): boolean {
  return placeKey(one) === placeKey(other)
}

/** `projects` is a page of an organisation, and the beginning of a project's address: what follows tells them apart. */
function placeOf(segments: readonly string[]): { readonly place: Place | null; readonly rest: readonly string[] } {
  if (segments[0] !== 'orgs' || segments[1] === undefined) return { place: null, rest: segments }
  const [, org, ...rest] = segments
  const [projects, project, ...below] = rest
  if (projects !== 'projects' || project === undefined) return { place: { org }, rest }
  return { place: { org, project }, rest: below }
}

function isPage(text: string): text is PageName {
  return (PAGES as readonly string[]).includes(text)
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null // a % that escapes nothing: no address of ours
  }
}
