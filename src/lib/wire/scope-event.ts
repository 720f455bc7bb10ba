/** What happened in a scope: ids only, because whoever hears of it asks for the rest under walls of his own. */
export interface ScopeEvent {
  readonly type: 'run_queued' | 'run_began' | 'run_ended' | 'thread_changed' | 'thread_deleted' | 'document_changed'
  /** Of everything that is about a thread. */
  readonly thread?: string
  readonly run?: string
  readonly document?: string
  readonly at: string
}
