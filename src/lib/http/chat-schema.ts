import { z } from 'zod'
import { FILE_URL } from '../wire/file-url.ts'
import { MODEL_CHARS } from '../model/model-name.ts'
import { documented, id } from './operation.ts'

const MAX_PARTS = 50
const MAX_FILES = 10
const MAX_ABOUT = 10

/** Refused with a conflict, kept until those before it are answered, or what runs is stopped for it. */
export const onActive = z.enum(['reject', 'queue', 'interrupt']).register(documented, { id: 'OnActive' })

const textPart = z.object({ type: z.literal('text'), text: z.string() })

/** As `useChat` sends one. What the client says of the file beside its url is passed over. */
const filePart = z
  .object({
    type: z.literal('file'),
    url: z
      .string()
      .regex(new RegExp(FILE_URL), 'a file is uploaded first, and named by the url "ambit-file:<id>": neither data nor an address is taken')
      .describe('`ambit-file:<id>`, or the path of the file.'),
    mediaType: z.string().max(256).optional(),
    filename: z.string().max(1_000).optional(),
  })

/** The one message that is read. */
export const userMessage = z
  .object({
    id: id.nullish().describe('Makes a retry safe: the same id with the same content is the same run.'),
    role: z.literal('user', 'the last message must be a user message: no answer is pending on an approval'),
    parts: z
      .array(z.discriminatedUnion('type', [textPart, filePart], 'only text and file parts are taken'))
      .min(1)
      .max(MAX_PARTS)
      .refine((parts) => parts.filter(({ type }) => type === 'file').length <= MAX_FILES, `a message has at most ${MAX_FILES} files`),
  })
  .register(documented, { id: 'UserMessage' })

/** What `useChat` sends beside its messages. Whatever else a client adds is passed over. */
export const envelope = z.object({
  id: id.nullish().describe('The thread: the caller\'s own word for it, or its id. Without it, a new one begins.'),
  messages: z.null('must be a list').optional(), // a list is kept apart, and only its last
  trigger: z.enum(['submit-message', 'regenerate-message']).nullish(),
  messageId: id.nullish().describe('The message that is edited, or answered again.'),
  model: z.string().min(1).max(MODEL_CHARS).nullish().describe('One of the models of the scope, by name.'),
  about: z.array(z.object({ type: id, id })).max(MAX_ABOUT).nullish().describe('What the message is about.'),
  parentId: id.nullish().describe('The answer that the new message follows. Without it, the end of the chosen branch.'),
  onActive: onActive.nullish().describe('What becomes of it while the thread is being answered. Without it, what the thread says.'),
})

/** As they are parsed: counted before they are looked at. Not every zod that a host may have stops at the bound by itself, and a hundred thousand wrong parts would take seconds. */
export const countedMessage = z.looseObject({ parts: z.array(z.unknown()).max(MAX_PARTS).optional() }).pipe(userMessage)
export const countedEnvelope = z.looseObject({ about: z.array(z.unknown()).max(MAX_ABOUT).nullish() }).pipe(envelope)

const submit = z.literal('submit-message').nullish()
const list = z.array(z.unknown())

/**
 * The body of a chat, for the document: `parseChatCommand` reads it as it comes and keeps the envelope and the last message,
 * which is all that these three demand. What they cannot say: that the last of `messages` is a `UserMessage`, and the bounds.
 */
export const chatBody = z
  .union([
    envelope.extend({ trigger: submit, message: userMessage, messages: list.nullish().describe('Passed over.') }),
    envelope.extend({ trigger: submit, message: z.null().optional(), messages: list.min(1).describe('Only the last is read: a UserMessage.') }),
    envelope.extend({ trigger: z.literal('regenerate-message'), message: z.unknown().optional(), messages: list.nullish().describe('Passed over.') }),
  ])
  .register(documented, { id: 'ChatRequest' })
