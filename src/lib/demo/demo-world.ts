import { readdir, readFile } from 'node:fs/promises'

/** What a person may do in an organisation or a project of the demo. */
export type DemoRole = 'owner' | 'admin' | 'member' | 'viewer'

export interface DemoProject {
  readonly slug: string
  readonly name: string
  readonly about: string
  readonly visibility: 'organisation' | 'private'
  readonly instructions?: string
}

export interface DemoOrganisation {
  readonly slug: string
  readonly name: string
  readonly profile: string
  readonly instructions?: string
  readonly projects: readonly DemoProject[]
}

export interface DemoPerson {
  readonly id: string
  readonly name: string
  readonly org: string
  /** null: no member of the organisation, only of the projects named. */
  readonly role: DemoRole | null
  readonly projects?: Readonly<Record<string, DemoRole>>
}

export interface DemoWorld {
  readonly organisations: readonly DemoOrganisation[]
  readonly people: readonly DemoPerson[]
}

export interface DemoDocument {
  readonly org: string
  /** A project's slug, or `*` for the organisation itself. */
  readonly project: string
  readonly title: string
  readonly body: string
}

/**
 * Two organisations that must not see each other, each with a project called `apollo`: a name is no boundary. Every wall has somebody on both
 * sides: `zephyr` is private, bob is in the organisation but not in it, erin is in one project and in no organisation.
 */
export const demoWorld: DemoWorld = deepFreeze({
  organisations: [
    {
      slug: 'acme',
      name: 'Acme Freight Software',
      profile: 'Acme makes planning software for regional freight carriers. 140 people work in Rotterdam and Leeds.',
      instructions: 'Give amounts in euros and times in Central European Time. Say who owns a matter when a document names them.',
      projects: [
        {
          slug: 'apollo',
          name: 'Apollo',
          about: 'The new dispatch board for freight carriers. It replaces Mercury and launches in September 2026.',
          visibility: 'organisation',
          instructions: 'The readers are engineers and dispatchers: be short, and quote dates and thresholds exactly.',
        },
        {
          slug: 'zephyr',
          name: 'Zephyr',
          about: 'A restricted matter of the board.',
          visibility: 'private',
          instructions: 'Restricted. Do not suggest sharing anything from this project outside of it.',
        },
      ],
    },
    {
      slug: 'globex',
      name: 'Globex Instruments',
      profile: 'Globex builds freezers, incubators and sensors for hospitals and laboratories, in Minneapolis and Osaka.',
      projects: [
        {
          slug: 'apollo',
          name: 'Apollo',
          about: 'An ultra-low-temperature freezer for hospitals. It launches in February 2027.',
          visibility: 'organisation',
        },
      ],
    },
  ],
  people: [
    { id: 'ada', name: 'Ada Lindqvist', org: 'acme', role: 'owner', projects: { zephyr: 'member' } },
    { id: 'bob', name: 'Bob Okafor', org: 'acme', role: 'member' },
    { id: 'carol', name: 'Carol Mendes', org: 'acme', role: 'admin', projects: { zephyr: 'member' } },
    { id: 'dave', name: 'Dave Whitfield', org: 'acme', role: 'viewer' },
    { id: 'erin', name: 'Erin Castellanos', org: 'acme', role: null, projects: { apollo: 'member' } },
    { id: 'gus', name: 'Gus Papadakis', org: 'globex', role: 'owner' },
    { id: 'hana', name: 'Hana Sato', org: 'globex', role: 'member' },
  ],
})

/** The folder of documents that belong to the organisation and not to one of its projects. */
const ORGANISATION_FOLDER = 'organisation'

/** The documents of the demo world, always in the same order. They are Markdown files under `documents/<org>/<project or "organisation">/`. */
export async function readDemoDocuments(): Promise<readonly DemoDocument[]> {
  const root = new URL('documents/', import.meta.url)
  const paths = (await readdir(root, { recursive: true })).map((path) => path.replaceAll('\\', '/')).filter((path) => path.endsWith('.md'))
  return Promise.all(paths.sort().map(async (path) => readDemoDocument(path, await readFile(new URL(path, root), 'utf8'))))
}

function readDemoDocument(path: string, markdown: string): DemoDocument {
  const [org = '', folder = ''] = path.split('/')
  const [, title, body] = /^# (.+)\n+([^]*)$/.exec(markdown.replaceAll('\r\n', '\n')) ?? []
  if (title === undefined || body === undefined) throw new Error(`The demo document ${path} does not begin with "# Title".`)
  return { org, project: folder === ORGANISATION_FOLDER ? '*' : folder, title, body: body.trimEnd() }
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}
