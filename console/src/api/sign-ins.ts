const NAME = 'ambit-sign-in'

/** Who is signed in is the browser's, and not the tab's: the others ask again who they are. */
export function tellOtherTabs(): void {
  const channel = new BroadcastChannel(NAME)
  channel.postMessage(null)
  channel.close()
}

export function listenToOtherTabs(told: () => void): () => void {
  const channel = new BroadcastChannel(NAME)
  channel.addEventListener('message', told)
  return () => channel.close()
}
