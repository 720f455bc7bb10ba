/**
 * Whether a request is from this machine: the socket's other end must be on it, and so must the name that was asked for, because a page in a browser can
 * make its own host name resolve to 127.0.0.1 (DNS rebinding). What a proxy on this machine hands on comes from elsewhere.
 */
export function isFromHere({ headers }: Request, peer: string | undefined): boolean {
  return isLoopbackAddress(peer) && isLoopbackHost(headers.get('host')) && !FORWARDED.some((name) => headers.has(name))
}

const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'] as const

/** IPv4 also as a socket for both families tells it: `::ffff:127.0.0.1`. */
function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.test(address)
}

function isLoopbackHost(host: string | null): boolean {
  return host !== null && /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(host)
}
