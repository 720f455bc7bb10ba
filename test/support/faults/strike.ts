import { must } from '../stage.ts'
import type { Armed, NodeProcess } from './node-process.ts'

/** Which of them was hit, and when. */
export interface Hit {
  readonly node: NodeProcess
  readonly at: number
}

/** Some of the processes, each told to die or to stand still where it passes the point. */
export interface Strike {
  /** The first that was hit. The others are told to go on. */
  first(): Promise<Hit>
  /** Whoever was hit before it heard that another one was goes on, too. */
  end(): Promise<void>
}

/** Who comes to the point is not known before. */
export async function strikeFirst(nodes: readonly NodeProcess[], armed: Armed): Promise<Strike> {
  await Promise.all(nodes.map((node) => node.arm(armed)))
  const hits = nodes.map((node) => node.hit().then((at): Hit => ({ node, at })))
  const disarm = async (node: NodeProcess) => {
    // One that was hit as well hears nothing.
    if (node.alive) await Promise.race([node.arm(null), must(hits[nodes.indexOf(node)]), node.hit(), node.exited])
  }
  const first = async () => {
    const hit = await Promise.race(hits)
    await Promise.all(nodes.filter((node) => node !== hit.node).map(disarm))
    return hit
  }
  const end = async () => {
    for (const node of nodes.filter(({ alive }) => alive)) {
      node.signal('SIGCONT')
      await disarm(node)
    }
  }
  return { first, end }
}
