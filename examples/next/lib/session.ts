import { importSPKI, jwtVerify } from 'jose'

export interface Session {
  readonly userId: string
  readonly orgId: string
  readonly orgRole: string
}

/**
 * Who is signed in, and which organisation is the active one: what `auth()` of `@clerk/nextjs/server` says, read here from
 * the same cookie with the same public key, so that the example runs without an account.
 */
export async function sessionOf(cookies: string | null): Promise<Session | null> {
  const token = /(?:^|; )__session=([^;]+)/.exec(cookies ?? '')?.[1]
  if (token === undefined) return null
  const key = await importSPKI(process.env.CLERK_JWT_KEY ?? '', 'RS256')
  const verified = await jwtVerify<{ o?: { id: string; rol: string } }>(token, key).catch(() => null)
  if (!verified?.payload.sub || !verified.payload.o) return null
  const { sub, o } = verified.payload
  return { userId: sub, orgId: o.id, orgRole: o.rol }
}
