import { useMutation, useQueryClient } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import { revokeKey } from '../api/keys.ts'
import type { Key } from '../api/keys.ts'
import { FormDialog } from '../design/form-dialog.tsx'
import { Notice } from '../design/notice.tsx'
import { home } from '../home.ts'
import { useHere } from '../shell/place-context.ts'

export function RevokeKey({ listed, whose, close }: { readonly listed: Key; readonly whose: string; close(): void }) {
  const { place, me } = useHere()
  const client = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => revokeKey(place, listed.id),
    onSuccess: async () => {
      // It may have been the key of this browser: then who is here is nobody.
      await Promise.all([client.invalidateQueries({ queryKey: [placeKey(place), 'keys'] }), client.invalidateQueries({ queryKey: ['me'] })])
      close()
    },
  })
  const own = listed.person === me.subject
  return (
    <FormDialog
      title={`Revoke ${listed.beginning}…?`} submit="Revoke" danger busy={revoke.isPending} error={revoke.error}
      about={`It is ${own ? 'your own key' : `a key of ${whose}`}. It opens nothing from then on, what it began ends within seconds, and browsers that are signed in with it are signed out. This cannot be undone.`}
      onSubmit={revoke.mutate} onClose={close}
    >
      {own && home.signIn && <Notice tone="warn">If this browser is signed in with it, you are signed out. Have another key at hand.</Notice>}
    </FormDialog>
  )
}
