import { useMutation } from '@tanstack/react-query'
import { signOut } from '../api/me.ts'
import { Button } from '../design/button.tsx'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { home } from '../home.ts'

/** The page begins anew: nothing of what was shown stays in its memory. */
export function useSignOut(): () => void {
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: () => location.reload(),
    onError: (error) => toast({ title: 'You are still signed in', detail: wordsOf(error), bad: true }),
  })
  return leave.mutate
}

/** The way out where there is no account menu. Where the host signs people in, it signs them out. */
export function SignOut() {
  const leave = useSignOut()
  return home.signIn && <Button onClick={leave}>Sign out</Button>
}
