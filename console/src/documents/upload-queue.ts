/** A file on its way to become a document. */
export interface Upload<Item> {
  readonly key: number
  /** Where it goes: all of one batch are counted together. */
  readonly batch: string
  readonly item: Item
  readonly state: 'waiting' | 'sending' | 'done' | 'failed' | 'cancelled'
  /** Of one that failed: why, in words. */
  readonly words: string | null
  /** Of one that failed: whether the same could do better. */
  readonly again: boolean
}

/** Null: it arrived. */
export type Failure = { readonly words: string; readonly again: boolean } | null

export type UploadQueue<Item> = ReturnType<typeof createUploadQueue<Item>>

/** Sends a few at a time, in the order in which they came. It lives beside the pages, so that it goes on whichever is shown. */
export function createUploadQueue<Item>(send: (item: Item, signal: AbortSignal) => Promise<Failure>, atOnce = 3) {
  const listeners = new Set<() => void>()
  const sending = new Map<number, AbortController>()
  let uploads: readonly Upload<Item>[] = []
  let lastKey = 0

  const set = (next: readonly Upload<Item>[]) => {
    uploads = next
    for (const told of listeners) told()
  }
  const change = (fits: (upload: Upload<Item>) => boolean, what: Partial<Upload<Item>>) => set(uploads.map((upload) => (fits(upload) ? { ...upload, ...what } : upload)))

  const work = () => {
    while (sending.size < atOnce) {
      const next = uploads.find(({ state }) => state === 'waiting')
      if (!next) return
      void begin(next)
    }
  }
  const begin = async ({ key, item }: Upload<Item>) => {
    const ending = new AbortController()
    sending.set(key, ending)
    change((upload) => upload.key === key, { state: 'sending' })
    const failure = await send(item, ending.signal)
    sending.delete(key)
    if (!ending.signal.aborted) change((upload) => upload.key === key, failure ? { state: 'failed', ...failure } : { state: 'done' })
    work()
  }

  return {
    all: () => uploads,
    listen(told: () => void): () => void {
      listeners.add(told)
      return () => listeners.delete(told)
    },
    add(batch: string, items: readonly Item[]): void {
      set([...uploads, ...items.map((item): Upload<Item> => ({ key: ++lastKey, batch, item, state: 'waiting', words: null, again: false }))])
      work()
    },
    /** What is on its way may have arrived all the same. */
    cancel(batch: string): void {
      const open = uploads.filter((upload) => upload.batch === batch && isOpen(upload))
      change((upload) => upload.batch === batch && isOpen(upload), { state: 'cancelled' })
      for (const { key } of open) sending.get(key)?.abort()
    },
    retry(batch: string): void {
      change((upload) => upload.batch === batch && upload.state === 'failed' && upload.again, { state: 'waiting', words: null })
      work()
    },
    /** Forgets what has ended. */
    clear(batch: string): void {
      set(uploads.filter((upload) => upload.batch !== batch || isOpen(upload)))
    },
  }
}

export function isOpen({ state }: Pick<Upload<unknown>, 'state'>): boolean {
  return state === 'waiting' || state === 'sending'
}
