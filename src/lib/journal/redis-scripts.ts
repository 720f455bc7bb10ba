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
 * Appends an entry, or says why not: `late`, where a newer claim has written; `gap`, where the stream is not as its writer
 * left it: it was flushed, evicted, trimmed, an entry was deleted, or the answer to the last append was lost. The writer then
 * begins it anew with what it must hold. Answers with the number of entries, which the next append has to find again.
 * ARGV: fence, first, last, whether it begins anew, entries, what is trimmed away (an id, or nothing), milliseconds to live, fields.
 */
export const APPEND = script(`${TOP}
if fence > tonumber(ARGV[1]) then return 'late' end
if ARGV[4] == '1' then
  redis.call('DEL', KEYS[1])
elseif fence < tonumber(ARGV[1]) or seq ~= tonumber(ARGV[2]) - 1 or redis.call('XLEN', KEYS[1]) ~= tonumber(ARGV[5]) then
  return 'gap'
end
redis.call('XADD', KEYS[1], ARGV[1] .. '-' .. ARGV[3], unpack(ARGV, 8))
if ARGV[6] ~= '' then redis.call('XTRIM', KEYS[1], 'MINID', ARGV[6]) end
redis.call('PEXPIRE', KEYS[1], ARGV[7])
return redis.call('XLEN', KEYS[1])
`)

/** Where a stream stands: the claim and the frame with which it ends, and how many entries it has. */
export const LOOK = script(`${TOP}
if fence == 0 then return {'0', '0', '0'} end
return {tostring(fence), tostring(seq), tostring(redis.call('XLEN', KEYS[1]))}
`)

/**
 * The entries after a place in each of some streams, an entry of each in turn, until they weigh as much as is wanted: the
 * last one may go beyond it. ARGV: bytes, places. Gives whether this was all; the streams (by number) that are none; and
 * the entries, each with the number of its stream.
 */
export const READ = script(`
local at, refused, entries, bytes, found = {unpack(ARGV, 2)}, {}, {}, 0, true
while found do
  found = false
  for i, key in ipairs(KEYS) do
    if at[i] then
      if bytes >= tonumber(ARGV[1]) then return {0, refused, entries} end
      local read = redis.pcall('XRANGE', key, '(' .. at[i], '+', 'COUNT', 1)
      local entry = not read.err and read[1]
      if read.err then refused[#refused + 1] = i end
      at[i] = entry and entry[1]
      if entry then
        found = true
        entries[#entries + 1] = {i, entry[1], entry[2]}
        for _, field in ipairs(entry[2]) do bytes = bytes + #field end
      end
    end
  end
end
return {1, refused, entries}
`)

/** By its hash; by its text where the server does not know it (it is new, or was restarted). */
export async function runScript(link: Link, { text, sha }: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
  try {
    return await link.call('evalsha', sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return link.call('eval', text, keys.length, ...keys, ...args)
  }
}
