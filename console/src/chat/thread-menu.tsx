import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, Pencil, Trash2, Users } from 'lucide-react'
import { useState } from 'react'
import { placeKey } from '../address/address.ts'
import { addressIn, navigate } from '../address/navigation.ts'
import { changeThread, deleteThread } from '../api/threads.ts'
import type { Thread } from '../api/threads.ts'
import { Badge } from '../design/badge.tsx'
import { Button, IconButton } from '../design/button.tsx'
import { Dialog } from '../design/dialog.tsx'
import { TextField } from '../design/field.tsx'
import { Menu } from '../design/menu.tsx'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { placeName, useHere, useMay } from '../shell/place-context.ts'

/** What its author may do with a thread; others see that it is shared. */
export function ThreadMenu({ thread }: { readonly thread: Thread }) {
  const { me } = useHere()
  const may = useMay('write')
  const own = may && thread.author_id === me.subject
  const [asking, setAsking] = useState<'rename' | 'share' | 'delete' | null>(null)
  const close = () => setAsking(null)
  return (
    <>
      {thread.shared && <Badge tone="accent">Shared</Badge>}
      {own && (
        <Menu
          trigger={<IconButton label="This thread"><Ellipsis size={18} /></IconButton>}
          groups={[
            [
              { label: 'Rename', icon: <Pencil size={16} />, act: () => setAsking('rename') },
              { label: thread.shared ? 'Take back from the others' : 'Share', icon: <Users size={16} />, act: () => setAsking('share') },
            ],
            [{ label: 'Delete', icon: <Trash2 size={16} />, danger: true, act: () => setAsking('delete') }],
          ]}
        />
      )}
      {asking === 'rename' && <Rename thread={thread} close={close} />}
      {asking === 'share' && <Share thread={thread} close={close} />}
      {asking === 'delete' && <Delete thread={thread} close={close} />}
    </>
  )
}

interface Asking {
  readonly thread: Thread
  close(): void
}

function Rename({ thread, close }: Asking) {
  const [title, setTitle] = useState(thread.title)
  const change = useChange(thread, close)
  return (
    <Dialog open title="Rename the thread" onClose={close} actions={<><Button onClick={close}>Cancel</Button><Button look="solid" type="submit" form="rename" busy={change.isPending} disabled={title.trim() === ''}>Rename</Button></>}>
      <form id="rename" onSubmit={(event) => { event.preventDefault(); change.mutate({ title }) }}>
        <TextField label="Title" maxLength={200} autoFocus error={change.error ? wordsOf(change.error) : null} value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
      </form>
    </Dialog>
  )
}

function Share({ thread, close }: Asking) {
  const { scope } = useHere()
  const change = useChange(thread, close)
  const name = placeName(scope)
  const about = thread.shared
    ? `Everybody in ${name} can read it now. Taken back, only you can.`
    : `Everybody in ${name} will read this thread and can go on with it. An answer that has read from a project which somebody may not see stays hidden from them.`
  return (
    <Dialog open title={thread.shared ? 'Take the thread back?' : `Share with ${name}?`} about={about} onClose={close} actions={<><Button onClick={close}>Cancel</Button><Button look="solid" busy={change.isPending} onClick={() => change.mutate({ shared: !thread.shared })}>{thread.shared ? 'Take back' : 'Share'}</Button></>}>
      {change.error && <p role="alert">{wordsOf(change.error)}</p>}
    </Dialog>
  )
}

function Delete({ thread, close }: Asking) {
  const { place } = useHere()
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () => deleteThread(place, thread.chat_id),
    onSuccess: () => {
      navigate(addressIn(place, 'chats'), { replace: true })
      void client.invalidateQueries({ queryKey: [placeKey(place), 'threads'] })
      toast({ title: 'The thread is deleted' })
    },
  })
  return (
    <Dialog open title="Delete the thread?" about={`“${thread.title}” is deleted for everybody, with all answers and what their runs did. This cannot be undone.`} onClose={close} actions={<><Button onClick={close}>Cancel</Button><Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>Delete</Button></>}>
      {remove.error && <p role="alert">{wordsOf(remove.error)}</p>}
    </Dialog>
  )
}

function useChange(thread: Thread, done: () => void) {
  const { place } = useHere()
  const client = useQueryClient()
  return useMutation({
    mutationFn: (change: { readonly title?: string; readonly shared?: boolean }) => changeThread(place, thread.chat_id, change),
    onSuccess: (changed) => {
      client.setQueryData([placeKey(place), 'thread', thread.chat_id], changed)
      void client.invalidateQueries({ queryKey: [placeKey(place), 'threads'] })
      done()
    },
  })
}
