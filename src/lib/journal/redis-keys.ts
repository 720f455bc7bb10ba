/** Keys of one tag are in one slot, so that a cluster shards the runs and one blocking read takes many of them. */
const TAGS = 16

export function tagOf(runId: string): string {
  let hash = 0x811c9dc5 // FNV-1a: the same on every node, whatever its version
  for (let index = 0; index < runId.length; index += 1) hash = Math.imul(hash ^ runId.charCodeAt(index), 0x01000193)
  return `t${(hash >>> 0) % TAGS}`
}

/** The stream of a run: `ambit:{t7}:run:<runId>`. */
export function runKey(prefix: string, runId: string): string {
  return `${prefix}:{${tagOf(runId)}}:run:${runId}`
}

/** What wakes the blocked read of one node, so that it takes another run with it. */
export function wakeKey(prefix: string, tag: string, node: string): string {
  return `${prefix}:{${tag}}:wake:${node}`
}
