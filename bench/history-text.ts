/** A message of an older conversation, as bodies carry it and the tenant has it stored. */
export function historyText(index: number): string {
  return (
    `Message ${index}: the carrier in Leeds asks whether the dispatch board shows late trailers by depot, ` +
    'and who is told when a driver changes a stop after the plan was agreed.'
  )
}
