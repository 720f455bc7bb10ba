import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { FormEvent } from 'react'
import { demoPeopleQuery, meQuery, signIn, signInAs } from '../api/me.ts'
import type { DemoPersonShown } from '../../../src/lib/http/demo-door.ts'
import { Badge } from '../design/badge.tsx'
import { Button } from '../design/button.tsx'
import { TextField } from '../design/field.tsx'
import { wordsOf } from '../design/problem.tsx'
import { useTitle } from '../design/use-title.ts'
import { Mark } from '../shell/mark.tsx'
import { home } from '../home.ts'
import styles from './sign-in-page.module.css'

/** The first page of whoever is not known yet: with a host's own sign-in, as somebody of the demo, or with a key. */
export function SignInPage() {
  useTitle('Sign in')
  const demo = useQuery({ ...demoPeopleQuery, enabled: home.signIn })
  const signedIn = useSignedIn()
  const asPerson = useMutation({ mutationFn: signInAs, onSuccess: signedIn })
  return (
    <main className={styles.page}>
      <Mark />
      {!home.signIn && <HostSignIn url={home.signInUrl} />}
      {home.signIn && demo.data && (
        <section className={styles.section} aria-labelledby="demo">
          <h1 id="demo" className={styles.title}>Who would you like to be?</h1>
          <p className={styles.about}>This is the demo: two organisations that must not see each other. Nobody but this machine can reach it.</p>
          <People people={demo.data.people} busy={asPerson.isPending ? asPerson.variables : null} choose={asPerson.mutate} />
          {asPerson.error && <p role="alert" className={styles.error}>{wordsOf(asPerson.error)}</p>}
        </section>
      )}
      {home.signIn && !demo.isPending && <KeySignIn first={!demo.data} />}
    </main>
  )
}

function People({ people, busy, choose }: { readonly people: readonly DemoPersonShown[]; readonly busy: string | null; choose(id: string): void }) {
  return (
    <ul role="list" className={styles.people}>
      {people.map(({ id, name, org, role, projects }) => (
        <li key={id}>
          <Button className={styles.person} busy={busy === id} onClick={() => choose(id)}>
            <span className={styles.name}>{name}</span>
            <span className={styles.place}>{org}{role === 'none' ? '' : <Badge>{role}</Badge>}</span>
            <span className={styles.projects}>{projects.length === 0 ? 'no projects' : projects.join(', ')}</span>
          </Button>
        </li>
      ))}
    </ul>
  )
}

function KeySignIn({ first }: { readonly first: boolean }) {
  const [key, setKey] = useState('')
  const signedIn = useSignedIn()
  const withKey = useMutation({ mutationFn: signIn, onSuccess: signedIn })
  const send = (event: FormEvent) => {
    event.preventDefault()
    withKey.mutate(key.trim())
  }
  const Title = first ? 'h1' : 'h2'
  return (
    <section className={styles.section} aria-labelledby="with-key">
      <Title id="with-key" className={first ? styles.title : styles.second}>{first ? 'Sign in' : 'Or with an API key'}</Title>
      <form className={styles.form} onSubmit={send}>
        <TextField
          label="API key" type="password" name="key" autoComplete="off" spellCheck={false} placeholder="ambit_…" required autoFocus={first}
          help="An admin of your organisation makes one. It is kept by this browser as a cookie that no page can read."
          error={withKey.error ? wordsOf(withKey.error) : null}
          value={key} onChange={(event) => setKey(event.currentTarget.value)}
        />
        <Button type="submit" look="solid" busy={withKey.isPending}>Sign in</Button>
      </form>
    </section>
  )
}

function HostSignIn({ url }: { readonly url: string | null }) {
  return (
    <section className={styles.section} aria-labelledby="host">
      <h1 id="host" className={styles.title}>You are not signed in</h1>
      <p className={styles.about}>Sign in to your application, then come back to this page.</p>
      {url !== null && <a className={styles.hostLink} href={url}>Sign in</a>}
    </section>
  )
}

function useSignedIn() {
  const client = useQueryClient()
  return () => client.invalidateQueries({ queryKey: meQuery.queryKey })
}
