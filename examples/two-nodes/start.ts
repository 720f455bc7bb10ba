/** Two nodes on one PostgreSQL, with a line to paste for each. Ctrl-C ends both. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const { AMBIT_DATABASE_URL, AMBIT_DATABASE_OWNER_URL, AMBIT_API_KEY, AMBIT_PORT = '8787', AMBIT_LOG_LEVEL = 'warn' } = process.env
const MAIN = fileURLToPath(import.meta.resolve('ambit').replace(/index(?=\.[jt]s$)/, 'main'))
const CONFIG = fileURLToPath(new URL('ambit.config.ts', import.meta.url))

if (AMBIT_DATABASE_URL && (AMBIT_DATABASE_OWNER_URL || AMBIT_API_KEY)) await startBoth()
else explain()

function explain(): void {
  process.stderr.write(`Two nodes need a PostgreSQL. Set
  AMBIT_DATABASE_URL        the login that serves, as postgres://ambit_app:secret@localhost/app: it is made, if it is not there
  AMBIT_DATABASE_OWNER_URL  the login that owns the schema: it migrates, and makes the organisation "demo" with a key
or, on a database that is ready, AMBIT_DATABASE_URL and an AMBIT_API_KEY of the organisation "demo".
`)
  process.exitCode = 1
}

async function startBoth(): Promise<void> {
  const key = AMBIT_DATABASE_OWNER_URL ? prepare() : AMBIT_API_KEY
  if (!key) return
  const first = Number(AMBIT_PORT)
  const nodes = await Promise.all([startNode('a', first), startNode('b', first === 0 ? 0 : first + 1)])
  const stop = () => nodes.forEach(({ child }) => child.kill('SIGTERM'))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const lines = nodes.map(({ name, url, child }) => `Node ${name} runs at ${url} (process ${child.pid}):\n\n  ${curlOf(url, key)}\n`)
  process.stdout.write(`${lines.join('\n')}
Ask one, and look at …/v1/orgs/demo/runs at the other. "kill -9" one in mid-answer: the other goes on with it. Ctrl-C ends both.
`)
}

/** Migrates, and answers a key of ada's in the organisation "demo". Null: it said why not. */
function prepare(): string | null {
  const migrated = ambit('migrate')
  if (migrated.status !== 0) return refuse(migrated.stderr)
  const known = ambit('key', 'create', '--org', 'demo', '--person', 'ada')
  const made = known.status === 0 ? known : ambit('org', 'create', 'demo', '--owner', 'ada')
  return made.status === 0 ? made.stdout.trim() : refuse(made.stderr)
}

function refuse(text: string): null {
  process.stderr.write(text)
  process.exitCode = 1
  return null
}

function ambit(...words: readonly string[]) {
  return spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' })
}

async function startNode(name: string, port: number) {
  // Detached: a Ctrl-C reaches them once, through here. The second one would end them without their grace.
  const child = spawn(process.execPath, [MAIN, 'start', CONFIG], {
    env: { ...process.env, NODE_NAME: name, AMBIT_PORT: String(port), AMBIT_LOG_LEVEL },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  child.once('exit', (code, signal) => process.stdout.write(`Node ${name} has ended (${signal ?? code}).\n`))
  let said = ''
  const listen = (text: string) => (said += text)
  child.stdout.setEncoding('utf8').on('data', listen)
  for (;;) {
    const url = /http:\/\/\S+/.exec(said)?.[0]
    if (url) {
      child.stdout.off('data', listen).on('data', (lines: string) => process.stderr.write(lines)) // its log, from here on
      return { name, url, child }
    }
    if (child.exitCode !== null) throw new Error(`Node ${name} did not start: what it said stands above.`)
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  }
}

function curlOf(url: string, key: string): string {
  const body = JSON.stringify({ message: { role: 'user', parts: [{ type: 'text', text: 'What can you do?' }] } })
  return `curl -N ${url}/v1/orgs/demo/chat -H 'authorization: Bearer ${key}' -H 'content-type: application/json' -d '${body}'`
}
