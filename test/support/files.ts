import { createHash } from 'node:crypto'
import type { Ambit } from '../../src/index.ts'
import { APOLLO } from './client.ts'
import { checked } from './check-answers.ts'
import { must } from './stage.ts'
import type { Stage } from './stage.ts'
import type { PersonName } from './world.ts'

export interface Uploaded {
  readonly id: string
  readonly name: string
  readonly media_type: string
  readonly bytes: number
}

export interface Upload {
  readonly who?: PersonName
  readonly path?: string
  readonly name?: string | null
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Posts bytes as a file. */
export function postFile(stage: Stage, ambit: Ambit, content: string | Uint8Array<ArrayBuffer>, upload: Upload = {}): Promise<Response> {
  const { who = 'bob', path = APOLLO, name = 'notes.txt', type = 'text/plain', headers = {} } = upload
  const query = name === null ? '' : `?name=${encodeURIComponent(name)}`
  return checked(ambit).fetch(
    new Request(`http://ambit.test${path}/files${query}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.world.keys[who]}`, 'content-type': type, ...headers },
      body: content,
    }),
  )
}

/** The same, where it must be taken. */
export async function uploadFile(stage: Stage, ambit: Ambit, content: string | Uint8Array<ArrayBuffer>, upload: Upload = {}): Promise<Uploaded> {
  const response = await postFile(stage, ambit, content, upload)
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`)
  return (await response.json()) as Uploaded
}

/** A file part as a client sends it: what it says besides the id is not asked. */
export function filePart({ id }: Pick<Uploaded, 'id'>) {
  return { type: 'file', mediaType: 'application/x-claimed', filename: 'claimed', url: `ambit-file:${id}` } as const
}

let messages = 0

/** A message with files, as `useChat` sends one: the files, then the words. */
export function asking(thread: string, text: string | null, files: readonly Pick<Uploaded, 'id'>[], id = `with-files-${(messages += 1)}`) {
  const parts = [...files.map(filePart), ...(text === null ? [] : [{ type: 'text', text } as const])]
  return { id: thread, trigger: 'submit-message', messages: [{ id, role: 'user', parts }] }
}

const SIGNATURES: Readonly<Record<string, readonly number[]>> = {
  'image/png': [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  'image/jpeg': [0xff, 0xd8, 0xff, 0xe0],
  'image/gif': [0x47, 0x49, 0x46, 0x38, 0x39, 0x61],
  'image/webp': [0x52, 0x49, 0x46, 0x46, 1, 2, 3, 4, 0x57, 0x45, 0x42, 0x50],
}

/** What begins like an image of this type, and goes on with every byte there is, the same for the same seed. */
export function imageBytes(type: string, seed = 'a', size = 600): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  const noise = createHash('sha256').update(seed).digest()
  for (let at = 0; at < size; at += 1) bytes[at] = (at + must(noise[at % noise.length])) % 256
  bytes.set(must(SIGNATURES[type]))
  return bytes
}
