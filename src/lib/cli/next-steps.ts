import { demoPath } from './demo-file.ts'
import type { Demo } from './demo-file.ts'
import { DEFAULT_DIRECTORY } from './settings.ts'
import type { Settings } from './settings.ts'
import { columns } from './usage.ts'

const QUESTION = 'What is the launch date of Apollo?'

/** What a newcomer needs to see an answer stream: what runs, who is there, and two lines to paste. */
export function demoSteps(settings: Settings, { url, people }: Demo): string {
  const { directory } = settings
  const runs = `Ambit runs at ${url} (data: ${directory}/, model: ${settings.model.name}). Ctrl-C stops it.\n`
  const { ada } = people
  if (!ada) return runs
  const rows = Object.entries(people).map(([id, { org, role, projects }]) => [id, org, role, projects.join(', ')])
  return `${runs}
Two organisations that must not see each other. Their people, and the projects each can see:

${columns([['who', 'org', 'role', 'projects'], ...rows])}

Open ${url} in a browser, choose one of them, and ask. Or ask as ada here (the keys of all are in ${demoPath(directory)}):

  ${curlLine(url, ada.key)}

or, in another terminal:

  ${directory === DEFAULT_DIRECTORY ? '' : `AMBIT_DIRECTORY=${quote(directory)} `}npx ambit chat "${QUESTION}" --org acme --project apollo --as ada
`
}

/** On PostgreSQL nobody is made without being asked for. */
export function firstSteps(settings: Settings, url: string): string {
  const hint = settings.model.name === 'none' ? 'There is no model: set AMBIT_MODEL, or every question is refused.\n' : ''
  return `Ambit runs at ${url} (PostgreSQL, model: ${settings.model.name}): open it in a browser, and sign in with a key. Ctrl-C stops it.
${hint}The first organisation, with AMBIT_DATABASE_OWNER_URL set: npx ambit org create <slug> --owner <person>
`
}

function curlLine(url: string, key: string): string {
  const body = JSON.stringify({ message: { role: 'user', parts: [{ type: 'text', text: QUESTION }] } })
  return [
    `curl -N ${url}/v1/orgs/acme/projects/apollo/chat`,
    `-H 'authorization: Bearer ${key}'`,
    `-H 'content-type: application/json'`,
    `-d '${body}'`,
  ].join(' \\\n    ')
}

/** As a POSIX shell reads it back. */
function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
