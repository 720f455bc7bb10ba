import { startFleet } from './fleet.ts'
import type { Fleet, FleetOptions } from './fleet.ts'

/** Fleets for cells that run beside each other: each has one for itself, and leaves it as it found it. */
export interface FleetPool {
  /** Waits for a fleet. One on which the work has failed is not used again. */
  use<T>(work: (fleet: Fleet) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** At most so many at once: each is two processes and their database connections. */
export function fleetPool(options: () => FleetOptions, atMost: number): FleetPool {
  const idle: Fleet[] = []
  const waiting: (() => void)[] = []
  let used = 0

  const enter = async (): Promise<void> => {
    if (used < atMost) return void (used += 1)
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.push(resolve)
    await promise
  }
  /** Whoever waits has the place, and nobody comes between. */
  const leave = (): void => {
    const next = waiting.shift()
    if (next) next()
    else used -= 1
  }

  return {
    async use(work) {
      await enter()
      try {
        const fleet = idle.pop() ?? (await startFleet(options()))
        try {
          const result = await work(fleet)
          idle.push(fleet)
          return result
        } catch (error) {
          await fleet.close()
          throw error
        }
      } finally {
        leave()
      }
    },
    close: async () => void (await Promise.all(idle.splice(0).map((fleet) => fleet.close()))),
  }
}
