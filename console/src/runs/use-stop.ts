import { useMutation, useQueryClient } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import { stopRun } from '../api/runs.ts'
import type { Run } from '../api/runs.ts'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { useHere } from '../shell/place-context.ts'

/** Stops a run; its row shows that it did. */
export function useStop(run: Pick<Run, 'thread_id' | 'id'>) {
  const { place } = useHere()
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => stopRun(place, run),
    onSettled: () => client.invalidateQueries({ queryKey: [placeKey(place), 'runs'] }),
    onError: (error) => toast({ title: 'The run goes on', detail: wordsOf(error), bad: true }),
  })
}
