import { useEffect } from 'react'
import { ask } from './request.ts'

/** One page of a list; `next` is where the following begins. */
export type PageOf<Name extends string, Thing> = { readonly [name in Name]: readonly Thing[] } & { readonly next: string | null }

/** As many as the interface gives at once. */
export const MOST = 200

/** So many pages are asked for where all of something is wanted; what is beyond is missed, and not waited for. */
const MOST_PAGES = 10

export async function askAll<Name extends string, Thing>(name: Name, path: string, signal: AbortSignal): Promise<readonly Thing[]> {
  const things: Thing[] = []
  let after: string | null = null
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const page: PageOf<Name, Thing> = await ask(path, { signal, query: { limit: MOST, after } })
    things.push(...page[name])
    after = page.next
    if (after === null) break
  }
  return things
}

/** Asks for the rest of a list, page by page, while something is looked for in all of it. */
export function useWhole({ hasNextPage, isFetching, isError, fetchNextPage }: { readonly hasNextPage: boolean; readonly isFetching: boolean; readonly isError: boolean; fetchNextPage(): unknown }, wanted: boolean): void {
  useEffect(() => {
    if (wanted && hasNextPage && !isFetching && !isError) void fetchNextPage()
  }, [wanted, hasNextPage, isFetching, isError, fetchNextPage])
}
