import { exposeTable, planExposure } from '../store/expose/expose-table.ts'
import type { Exposed } from '../store/expose/expose-table.ts'
import { RIGHTS } from '../store/expose/exposure.ts'
import type { Refused, Right, Wanted } from '../store/expose/exposure.ts'
import { connect } from '../store/open-postgres.ts'
import type { Command, Given } from './command.ts'
import { badSetting } from './settings.ts'
import type { Settings } from './settings.ts'

export const expose: Command = {
  name: 'expose',
  about: "Open a table of your own to tools, so that they see and write one tenant's rows, whatever they forget.",
  argument: 'table',
  options: {
    'org-column': { value: 'column', about: 'the organisation of a row', required: true },
    'project-column': { value: 'column', about: 'its project; a row without one is the organisation\'s own' },
    'every-project': { about: 'without a project column: each project of the organisation sees all its rows' },
    as: { value: 'view|policy', about: 'a view in the schema ambit_host (view), or policies on the table, where it has some already' },
    name: { value: 'name', about: 'of the view (that of the table)' },
    columns: { value: 'a,b', about: 'open these only (all that are there now)' },
    allow: { value: 'rights', about: 'select, insert, update, delete, as "select,insert" (select)' },
    print: { about: 'write the SQL for your own migrations instead' },
  },
  async run(given, { settings, terminal }) {
    const read = settings()
    const wanted = wantedOf(given, read)
    const exposed = given.has('print') ? await plan(read, wanted) : await open(read, wanted)
    if (!exposed.ok) {
      terminal.err(`${exposed.detail}\n`)
      return 1
    }
    terminal.out(given.has('print') ? printed(exposed) : `${exposed.says.join('\n')}\n`)
    return 0
  },
}

function open({ ownerUrl }: Settings, wanted: Wanted): Promise<Exposed | Refused> {
  if (ownerUrl === null) throw badSetting('Set AMBIT_DATABASE_OWNER_URL to the login that owns the table, or write the SQL for your own migrations with --print.')
  return connected(ownerUrl, (database) => exposeTable(database, wanted))
}

function plan({ ownerUrl, databaseUrl }: Settings, wanted: Wanted): Promise<Exposed | Refused> {
  const url = ownerUrl ?? databaseUrl
  if (url === null) throw badSetting('Set AMBIT_DATABASE_OWNER_URL or AMBIT_DATABASE_URL: the columns of the table are read there, and nothing is changed.')
  return connected(url, (database) => planExposure(database, wanted))
}

async function connected<T>(url: string, work: (database: ReturnType<typeof connect>) => Promise<T>): Promise<T> {
  const database = connect(url, ignore, { connections: 1 })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

function wantedOf(given: Given, { rolePrefix }: Settings): Wanted {
  return {
    table: given.argument,
    orgColumn: given.text('org-column') ?? '',
    projectColumn: given.text('project-column') ?? null,
    everyProject: given.has('every-project'),
    as: kindOf(given.text('as') ?? 'view'),
    name: given.text('name') ?? null,
    columns: given.text('columns') === undefined ? null : wordsOf(given, 'columns'),
    allow: rightsOf(given),
    rolePrefix,
  }
}

function kindOf(text: string): Wanted['as'] {
  if (text === 'view' || text === 'policy') return text
  throw badSetting(`--as is "${text}": it must be view or policy.`)
}

function rightsOf(given: Given): readonly Right[] {
  const words = given.text('allow') === undefined ? ['select'] : wordsOf(given, 'allow')
  const unknown = words.find((word) => !RIGHTS.some((right) => right === word))
  if (unknown !== undefined) throw badSetting(`--allow is "${unknown}": it takes ${RIGHTS.join(', ')}, with commas between them.`)
  return RIGHTS.filter((right) => words.includes(right))
}

function wordsOf(given: Given, option: string): readonly string[] {
  return (given.text(option) ?? '').split(',').map((word) => word.trim()).filter((word) => word !== '')
}

/** A name may hold a line break, which would end the comment. */
function printed({ says, statements }: Exposed): string {
  return `${['For one transaction, as the owner of the table.', ...says].map((line) => `-- ${line.replaceAll(/[\r\n]+/g, ' ')}`).join('\n')}\n${statements.join('\n')}\n`
}

/** A connection that is lost while it is idle; one that is used says so itself. */
function ignore(): void {}
