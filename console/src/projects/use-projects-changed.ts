import { useQueryClient } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import { useHere } from '../shell/place-context.ts'

/** Asks again what projects there are, in the list and in the switcher of places; then goes on. */
export function useProjectsChanged(done: () => void): () => Promise<void> {
  const { place } = useHere()
  const client = useQueryClient()
  return async () => {
    await Promise.all([client.invalidateQueries({ queryKey: ['me'] }), client.invalidateQueries({ queryKey: [placeKey(place), 'projects'] })])
    done()
  }
}
