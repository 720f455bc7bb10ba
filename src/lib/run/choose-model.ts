import { allowsModel, isPattern } from '../model/model-name.ts'
import type { ChosenModel, ModelRegistry } from '../model/model-registry.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'

/**
 * The model of one opening. Asked for when it is known that there is a run for it: a retry begins none, and finds its run
 * also while the provider fails. Refuses with `forbidden` or `ai_unavailable`.
 */
export interface ModelChoice {
  /** For a run that begins now: has the one try of a half-open circuit, and keeps it, however often this is asked. */
  toBegin(): NamedModel | Refusal
  /** For one that waits for its turn: the provider may be back by then. No circuit refuses it, and it takes the try from nobody. */
  toWait(): NamedModel | Refusal
  /** What was chosen comes to no call: somebody else may try. */
  leave(): void
}

export interface NamedModel {
  readonly ok: true
  readonly modelId: string
  /** Whether it takes images. */
  readonly images: boolean
}

const NOT_ALLOWED = refuse('forbidden', 'This model is not allowed here. Leave "model" out to use the default one.')

type Choosing = Pick<ModelRegistry<ChatExecutionContext>, 'choose' | 'takesImages'>

/** Any model that the scope allows, by its name alone: for whoever opens runs and calls nobody. */
export const BY_NAME: Choosing = {
  choose: (_, wanted) => ({ ok: true, name: wanted, leave: () => {} }),
  takesImages: () => true,
}

/** `wanted`: what the request named; null is the scope's default. */
export function createModelChoice(
  models: Choosing,
  context: ChatExecutionContext,
  wanted: string | null,
): ModelChoice {
  let chosen: ChosenModel | null = null
  const named = (name: string | null): NamedModel | Refusal => {
    const modelId = name ?? context.models.find((one) => !isPattern(one))
    return modelId !== undefined && allowsModel(context.models, modelId) ? { ok: true, modelId, images: models.takesImages(modelId) } : NOT_ALLOWED
  }
  const toBegin = (): NamedModel | Refusal => {
    if (wanted !== null && !allowsModel(context.models, wanted)) return NOT_ALLOWED
    chosen ??= models.choose(context.models, wanted)
    return chosen.ok ? named(chosen.name) : noModel(chosen.waitMs)
  }
  const leave = (): void => {
    if (chosen?.ok) chosen.leave()
    chosen = null
  }
  return {
    toBegin,
    toWait() {
      const answering = toBegin()
      leave()
      return answering.ok ? answering : named(wanted)
    },
    leave,
  }
}

function noModel(waitMs: number): Refusal {
  const seconds = Math.ceil(waitMs / 1_000)
  return refuse('ai_unavailable', `This model does not answer at the moment. Ask again in ${seconds} s, or name another one in "model".`, { retry_after: seconds })
}
