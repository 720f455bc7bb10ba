import { createHash } from 'node:crypto'
import type { Link } from './redis-link.ts'

/** How long a run's stream outlives its last entry. Each entry begins the time again, so nothing stays for ever. */
export const KEPT_MS = 600_000

export interface Script {
  readonly text: string
  readonly sha: string
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** What the stream ends with, as its id says; what is no stream (any more) ends with nothing. */
const TOP = `
local held = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local fence, seq = 0, 0
if not held.err and held[1] then
  local f, s = string.match(held[1][1], '^(%d+)-(%d+)$')
  fence, seq = tonumber(f), tonumber(s)
end
`

/**
 * Appends an entry, or says why not: `late`, where a newer claim has written; `gap`, where the stream does not end where the
 * entry begins, since it was flushed, evicted, trimmed or never there. The writer then begins it anew with what it must hold.
 * ARGV: fence, first, last, whether it begins anew, what is trimmed away (an id, or nothing), milliseconds to live, fields.
 */
export const APPEND = script(`${TOP}
if fence > tonumber(ARGV[1]) then return 'late' end
if ARGV[4] == '1' then
  redis.call('DEL', KEYS[1])
elseif fence < tonumber(ARGV[1]) or seq < tonumber(ARGV[2]) - 1 then
  return 'gap'
elseif seq >= tonumber(ARGV[3]) then
  return 'ok'
end
redis.call('XADD', KEYS[1], ARGV[1] .. '-' .. ARGV[3], unpack(ARGV, 7))
if ARGV[5] ~= '' then redis.call('XTRIM', KEYS[1], 'MINID', ARGV[5]) end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 'ok'
`)

/** Where a stream stands: the claim and the frame with which it ends, and the frame with which it begins. */
export const LOOK = script(`${TOP}
if fence == 0 then return {'0', '0', '0'} end
local low = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][2]
for i = 1, #low, 2 do
  if low[i] == 'f' then return {tostring(fence), tostring(seq), low[i + 1]} end
end
return {'0', '0', '0'}
`)

/** By its hash; by its text where the server does not know it (it is new, or was restarted). */
export async function runScript(link: Link, { text, sha }: Script, key: string, args: readonly (string | number)[]): Promise<unknown> {
  try {
    return await link.call('evalsha', sha, 1, key, ...args)
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return link.call('eval', text, 1, key, ...args)
  }
}
