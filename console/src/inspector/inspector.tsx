export function Inspector({ runId }: { readonly runId: string }) {
  return <p>{runId}</p>
}
