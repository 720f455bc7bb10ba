import type { Command } from './command.ts'

/** `ambit --help`. */
export function usageOfAll(commands: readonly Command[]): string {
  return `Ambit: AI chat inside the organisation and project boundaries of multi-tenant software.

Usage: ambit [command]

${columns(commands.map(({ name, about }) => [name, about]))}

Without a command, "start". "ambit <command> --help" says more; "ambit --version" says which this is.

Settings are environment variables:

${columns(VARIABLES)}
`
}

/** `ambit <command> --help`. */
export function usageOf(command: Command): string {
  const options = Object.entries(command.options)
  const rows = options.map(([name, { value, about }]) => [`--${name}${value === undefined ? '' : ` <${value}>`}`, about] as const)
  return `${command.about}\n\nUsage: ${lineOf(command)}\n${rows.length > 0 ? `\n${columns(rows)}\n` : ''}`
}

function lineOf({ name, argument, argumentOptional, options }: Command): string {
  const required = Object.entries(options).flatMap(([option, { value, required: needed }]) => (needed ? [`--${option} <${value}>`] : []))
  const others = Object.keys(options).length > required.length ? ['[options]'] : []
  return ['ambit', name, ...(argument === undefined ? [] : [argumentOptional ? `[${argument}]` : `<${argument}>`]), ...required, ...others].join(' ')
}

/** The second column begins at the same place in every row. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()).join('\n')
}

const VARIABLES = [
  ['AMBIT_DATABASE_URL', 'PostgreSQL, as the app; absent: an embedded database'],
  ['AMBIT_DATABASE_OWNER_URL', 'PostgreSQL, as the owner of the schema: for migrate, expose, org, key, runs and why'],
  ['AMBIT_ROLE_PREFIX, AMBIT_DATABASE_POOL', 'of Ambit\'s roles on that server (ambit_); connections at most (10)'],
  ['AMBIT_DIRECTORY', 'of the embedded database (.ambit)'],
  ['AMBIT_REDIS_URL', 'Redis or Valkey, where several nodes share what is said live; absent: each has its own'],
  ['AMBIT_HOST, AMBIT_PORT', 'where to listen (127.0.0.1, 8787)'],
  ['AMBIT_GRACE_MS', 'how long running answers may take to end when the process is stopped (10000)'],
  ['AMBIT_MODEL', '"offline", "openai:<id>", "anthropic:<id>", "google:<id>", "openai-compatible:<id>" or "none"'],
  ['AMBIT_ALLOWED_MODELS', 'what a request may choose beside it, as "openai:gpt-5-mini,anthropic:*"'],
  ['AMBIT_IMAGE_MODELS', 'which of them take images, in the same way, or "none"'],
  ['AMBIT_MODEL_BASE_URL, AMBIT_MODEL_API_KEY', 'of an OpenAI-compatible model; the others take OPENAI_API_KEY and so on'],
  ['AMBIT_CONTEXT_TOKENS', 'tokens that a model is told when a run begins (100000); less for a small window'],
  ['AMBIT_JWT_ISSUER, AMBIT_JWT_AUDIENCE', 'whose tokens are accepted beside API keys (docs/settings.md has the rest)'],
  ['AMBIT_SECURE_COOKIE', '"true" where a proxy in front of this server ends https'],
  ['AMBIT_LOG_LEVEL', 'of the JSON lines on stderr (info; warn where the embedded start runs in a terminal)'],
  ['AMBIT_URL, AMBIT_API_KEY', 'the server that chat asks, and the key it shows there'],
] as const
