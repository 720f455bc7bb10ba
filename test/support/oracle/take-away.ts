import type { Role } from '../../../src/lib/directory/directory.ts'
import type { World } from './tenant-world.ts'

/** A world from which one grant was taken. */
export interface Removal {
  readonly what: 'membership of organisation' | 'membership of project' | 'role' | 'openness of project' | 'project' | 'organisation' | 'sharing' | 'chat'
  readonly after: World
}

const LOWER: Readonly<Record<Role, Role | null>> = { owner: 'admin', admin: 'member', member: 'viewer', viewer: null }

/** Everything that can be taken from anybody here, one at a time. */
export function listRemovals(world: World): readonly (() => Removal)[] {
  const without = <T>(list: readonly T[], one: T): readonly T[] => list.filter((other) => other !== one)
  const swap = <T>(list: readonly T[], one: T, other: T): readonly T[] => list.map((each) => (each === one ? other : each))
  const removals: (() => Removal)[] = []
  for (const one of world.memberships) {
    const role = LOWER[one.role]
    removals.push(() => ({
      what: one.project === '*' ? 'membership of organisation' : 'membership of project',
      after: { ...world, memberships: without(world.memberships, one) },
    }))
    if (role) removals.push(() => ({ what: 'role', after: { ...world, memberships: swap(world.memberships, one, { ...one, role }) } }))
  }
  for (const one of world.projects) {
    if (!one.isPrivate) removals.push(() => ({ what: 'openness of project', after: { ...world, projects: swap(world.projects, one, { ...one, isPrivate: true }) } }))
    if (!one.deleted) removals.push(() => ({ what: 'project', after: { ...world, projects: swap(world.projects, one, { ...one, deleted: true }) } }))
  }
  for (const one of world.organisations) {
    if (!one.deleted) removals.push(() => ({ what: 'organisation', after: { ...world, organisations: swap(world.organisations, one, { ...one, deleted: true }) } }))
  }
  for (const one of world.threads) {
    if (one.shared) removals.push(() => ({ what: 'sharing', after: { ...world, threads: swap(world.threads, one, { ...one, shared: false }) } }))
  }
  for (const one of world.settings) {
    if (one.aiEnabled) removals.push(() => ({ what: 'chat', after: { ...world, settings: swap(world.settings, one, { ...one, aiEnabled: false }) } }))
  }
  return removals
}
