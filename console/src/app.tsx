import { CSPProvider } from '@base-ui/react/csp-provider'
import { Tooltip } from '@base-ui/react/tooltip'
import { QueryClientProvider, useQuery } from '@tanstack/react-query'
import { Suspense, useEffect } from 'react'
import { useAddress } from './address/navigation.ts'
import { meQuery } from './api/me.ts'
import { queryClient } from './api/query-client.ts'
import { listenToOtherTabs } from './api/sign-ins.ts'
import { Problem } from './design/problem.tsx'
import { Skeleton } from './design/skeleton.tsx'
import { ToastPlace } from './design/toast.tsx'
import styles from './app.module.css'
import { Shell } from './shell/shell.tsx'
import { SignInPage } from './sign-in/sign-in-page.tsx'

export function App() {
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <Tooltip.Provider delay={400}>
          <Suspense fallback={<Waiting />}><Entrance /></Suspense>
          <ToastPlace />
        </Tooltip.Provider>
      </QueryClientProvider>
    </CSPProvider>
  )
}

/** Who is not known signs in; the address stays, and is where one is then. */
function Entrance() {
  const address = useAddress()
  const me = useQuery(meQuery)
  useEffect(() => listenToOtherTabs(() => void queryClient.invalidateQueries({ queryKey: meQuery.queryKey })), [])
  if (me.isPending) return <Waiting />
  if (me.isError && me.data === undefined) return <main className={styles.middle}><Problem error={me.error} retry={() => void me.refetch()} /></main>
  if (!me.data) return <SignInPage />
  return <Shell me={me.data} address={address} key={me.data.subject} />
}

function Waiting() {
  return <main className={styles.middle}><Skeleton label="Loading Ambit" /></main>
}
