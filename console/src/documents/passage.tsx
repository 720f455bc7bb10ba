export function Passage({ documentId, words }: { readonly documentId: string; readonly words: string }) {
  return <p>{documentId} {words}</p>
}
