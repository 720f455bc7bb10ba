import { FileText } from 'lucide-react'
import { addressOfFile } from '../api/files.ts'
import { useHere } from '../shell/place-context.ts'
import type { AmbitMessage } from './ambit-message.ts'
import styles from './file-list.module.css'

/** The files of a message: pictures as they are, others by their names. Only what this server keeps is asked for. */
export function FileList({ message }: { readonly message: AmbitMessage }) {
  const { place } = useHere()
  const files = message.parts.filter((part) => part.type === 'file')
  if (files.length === 0) return null
  return (
    <ul role="list" className={styles.files}>
      {files.map(({ url, filename = 'file', mediaType }) => {
        const address = addressOfFile(place, url)
        if (address === null) return <li key={url} className={styles.file}><FileText size={16} aria-hidden /> {filename}</li>
        return (
          <li key={url}>
            <a className={styles.file} href={address} target="_blank" rel="noopener">
              {mediaType.startsWith('image/') ? <img className={styles.image} src={address} alt={filename} loading="lazy" width={160} height={120} /> : <><FileText size={16} aria-hidden /> {filename}</>}
            </a>
          </li>
        )
      })}
    </ul>
  )
}
