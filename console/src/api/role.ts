/** From the highest to the lowest: what somebody may do in a place. */
export type Role = 'owner' | 'admin' | 'member' | 'viewer'
