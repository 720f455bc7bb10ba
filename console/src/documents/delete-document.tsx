import { useMutation, useQueryClient } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import { addressIn, navigate } from '../address/navigation.ts'
import { deleteDocument } from '../api/documents.ts'
import type { Document } from '../api/document.ts'
import { Button } from '../design/button.tsx'
import { Dialog } from '../design/dialog.tsx'
import { wordsOf } from '../design/problem.tsx'
import { useHere } from '../shell/place-context.ts'

export function DeleteDocument({ document, close }: { readonly document: Document; close(): void }) {
  const { place } = useHere()
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () => deleteDocument(place, document.id),
    onSuccess: () => {
      navigate(addressIn(place, 'documents'), { replace: true })
      void client.invalidateQueries({ queryKey: [placeKey(place), 'documents'] })
    },
  })
  return (
    <Dialog
      open title="Delete the document?" onClose={close}
      about={`“${document.title}” is deleted for everybody, and no answer finds it any more. Answers that cite it keep their words. This cannot be undone.`}
      actions={<><Button onClick={close}>Cancel</Button><Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>Delete</Button></>}
    >
      {remove.error && <p role="alert">{wordsOf(remove.error)}</p>}
    </Dialog>
  )
}
