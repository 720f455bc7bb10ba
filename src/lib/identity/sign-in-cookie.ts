export const SIGN_IN_COOKIE = 'ambit_signed_in'
const SECRET = /^[A-Za-z0-9_-]{43}$/

/** Of one name a browser sends at most as many as there are paths and domains above the request: more than this is nobody's browser. */
const MOST = 4

/** The longest that a sign-in can last. When it really ends, the database says. */
const MAX_AGE_S = 30 * 24 * 60 * 60

/** How the cookie is given. */
export interface CookieTerms {
  /** Where the interface is mounted: it is sent there, and nowhere else. */
  readonly basePath: string
  /** Whether the browser may send it over https only. */
  readonly secure: boolean
}

/** The secrets of the sign-ins that a request comes with: mostly one, or none. */
export function signInSecrets(request: Request): readonly string[] {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim())
  const values = pairs.filter((pair) => pair.startsWith(`${SIGN_IN_COOKIE}=`)).map((pair) => pair.slice(SIGN_IN_COOKIE.length + 1))
  return [...new Set(values.filter((value) => SECRET.test(value)))].slice(0, MOST)
}

/** `Set-Cookie` for a browser that has signed in. No script reads it, and no page of another site makes the browser send it. */
export function signInCookie(secret: string, terms: CookieTerms): string {
  return cookie(secret, MAX_AGE_S, terms)
}

/** `Set-Cookie` that takes it away. */
export function noSignInCookie(terms: CookieTerms): string {
  return cookie('', 0, terms)
}

function cookie(value: string, maxAge: number, { basePath, secure }: CookieTerms): string {
  return `${SIGN_IN_COOKIE}=${value}; Path=${basePath === '' ? '/' : basePath}; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
}
