import { config } from 'zod/v4/core'

// The AI SDK checks its chunks by zod, which tries once whether it may make functions of text. It may not, here: the policy of the page would
// tell its owner of an attack. To be loaded before the SDK.
config({ jitless: true })
