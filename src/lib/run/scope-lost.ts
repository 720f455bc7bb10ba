import { lackOf } from '../scope/covers.ts'
import type { ScopeUse } from '../scope/covers.ts'
import type { ScopeNews } from '../scope/watch-scopes.ts'
import { RunError } from './run-error.ts'

/** What a run ends with whose scope no longer covers it. */
export function scopeLost(news: ScopeNews, use: ScopeUse): RunError {
  return !news.ok && news.code === 'ai_unavailable'
    ? new RunError('ai_unavailable', news.detail)
    : new RunError('scope_changed', 'What you may see here changed while this was being answered. Ask again.', lackOf(news, use))
}
