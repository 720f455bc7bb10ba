import { useMutation } from '@tanstack/react-query'
import { endPage, leave } from '../address/navigation.ts'
import { signOut } from '../api/me.ts'
import { Button } from '../design/button.tsx'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { home } from '../home.ts'

/** The page begins anew, and nothing of what was shown or written stays in it. What is not saved is asked for first. */
export function useSignOut(): () => void {
  const { mutate } = useMutation({
    mutationFn: signOut,
    onSuccess: () => {
      forgetDrafts()
      endPage()
    },
    onError: (error) => toast({ title: 'You are still signed in', detail: wordsOf(error), bad: true }),
  })
  return () => leave({ to: null, go: () => mutate() })
}

/** The host's own things may lie beside them. */
function forgetDrafts(): void {
  for (const name of Object.keys(sessionStorage).filter((key) => key.startsWith('ambit-'))) sessionStorage.removeItem(name)
}

/** The way out where there is no account menu. Where the host signs people in, it signs them out. */
export function SignOut() {
  const signOutHere = useSignOut()
  return home.signIn && <Button onClick={signOutHere}>Sign out</Button>
}
