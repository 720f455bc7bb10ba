import { useQuery } from '@tanstack/react-query'
import { documentsQuery } from '../api/documents.ts'
import { useHere } from '../shell/place-context.ts'
import { suggestQuestions } from './suggest-questions.ts'
import styles from './suggestions.module.css'

/** Of so many documents, the last changed. */
const DOCUMENTS = 12

/** What one might ask first, from the place's own documents. */
export function Suggestions({ ask, mayAsk }: { ask(text: string): void; readonly mayAsk: boolean }) {
  const { place, scope } = useHere()
  const documents = useQuery(documentsQuery(place, DOCUMENTS))
  const questions = suggestQuestions(documents.data?.documents ?? [])
  const { project, org } = scope
  return (
    <div className={styles.welcome}>
      <h2 className={styles.title}>{project?.name ?? org.name}</h2>
      <p className={styles.about}>{project?.about || org.about}</p>
      {mayAsk && (
        <ul role="list" className={styles.questions} aria-label="Questions to begin with">
          {questions.map((question) => <li key={question}><button type="button" className={styles.question} onClick={() => ask(question)}>{question}</button></li>)}
        </ul>
      )}
    </div>
  )
}
