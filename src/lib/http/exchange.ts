import type { ChatTarget, Directory } from '../directory/directory.ts'
import type { NewId } from '../directory/new-id.ts'
import type { Principal } from '../directory/principal.ts'
import type { SignedIn } from '../identity/sign-in.ts'
import type { Uncredited } from '../identity/api-key.ts'
import type { Frame } from '../journal/journal.ts'
import type { Limits } from '../limits/limits.ts'
import type { Log } from '../observe/log.ts'
import type { ChatCommand } from '../run/chat-command.ts'
import type { ReaderPlace } from '../run/follow-as-reader.ts'
import type { OpenedRun, RunRef } from '../run/open-run.ts'
import type { ScopeEvents } from '../run/scope-events.ts'
import type { StopOutcome, StopWanted } from '../run/stop-run.ts'
import type { ChatExecutionContext, Permission } from '../scope/chat-execution-context.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Handles } from '../store/handles.ts'
import type { LedgerEffect } from '../tools/bound-tool.ts'
import type { OpenStreams } from './open-streams.ts'

/** What the door needs of the house behind it. */
export interface House extends Pick<Handles, 'scoped' | 'lookup'> {
  readonly limits: Limits
  readonly newId: NewId
  readonly streams: OpenStreams
  readonly events: Pick<ScopeEvents, 'place' | 'follow' | 'notify'>
  readonly directory: Directory
  /** Whether organisations, people and keys are kept here, and not by the host. */
  readonly keepsDirectory: boolean
  /** Null where a cookie would be nobody's credential. */
  readonly signIns: SignIns | null
  authenticate(request: Request, log: Log): Promise<Principal | Refusal>
  resolve(who: Principal, target: ChatTarget, permission: Permission): Promise<ChatExecutionContext | Refusal>
  /** Refuses also while the providers of all models fail. The other leaves that to whoever opens a run: a retry begins none. */
  resolveCallable(who: Principal, target: ChatTarget, permission: Permission): Promise<ChatExecutionContext | Refusal>
  /** Whether a model of this name, or those of this pattern, take images. */
  takesImages(name: string): boolean
  /** What the model of a run in this scope would be offered. */
  tools(context: ChatExecutionContext): readonly OfferedHere[]
  openRun(context: ChatExecutionContext, command: ChatCommand, log: Log): Promise<OpenedRun | Refusal>
  follow(context: ChatExecutionContext, run: RunRef, from: ReaderPlace, signal: AbortSignal): AsyncIterable<readonly Frame[]>
  stop(context: ChatExecutionContext, wanted: StopWanted): Promise<StopOutcome | Refusal>
  ready(): Promise<boolean>
}

/** API keys exchanged for cookies. */
export interface SignIns {
  begin(key: string, before: readonly string[]): Promise<SignedIn | Uncredited>
  end(secrets: readonly string[]): Promise<void>
  readonly secureCookie: boolean | undefined
}

export interface OfferedHere {
  readonly name: string
  readonly description: string
  readonly effect: LedgerEffect
}

/** One request on its way through the stations. */
export interface Exchange {
  readonly request: Request
  readonly requestId: string
  /** Carries the request's id, and the slugs of the address as soon as it is known: not to be taken before `target`. */
  log: Log
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The organisation or project that is addressed: by the path, or by the host's own `target()`. */
  target(who: Principal): Promise<ChatTarget | null>
}

/** An exchange whose scope is resolved. */
export interface ScopedExchange<Body = unknown> extends Exchange {
  readonly who: Principal
  readonly context: ChatExecutionContext
  /** As the route's schema left it; undefined where the route declares none. */
  readonly body: Body
}

/** From here on the log says of which run the request is, to the line of its answer. */
export function nameRun(exchange: Exchange, runId: string): void {
  exchange.log = exchange.log.child({ run_id: runId })
}
