import { Chat } from './chat'

export default function Page() {
  return (
    <main>
      <h1>The shop is open.</h1>
      <Chat />
    </main>
  )
}
