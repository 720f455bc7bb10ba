import { WifiOff } from 'lucide-react'
import { useConnection } from '../api/connection.ts'
import styles from './offline-banner.module.css'

/** Says that the server is out of reach, for as long as it is. What was under way goes on by itself. */
export function OfflineBanner() {
  const connected = useConnection()
  return (
    <div role="status" className={connected ? undefined : styles.banner}>
      {!connected && <><WifiOff size={16} aria-hidden /> The server cannot be reached. Answers go on there, and show here again when the connection is back.</>}
    </div>
  )
}
