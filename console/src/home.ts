/** What the server told the page about where it stands. */
export interface Home {
  /** The path below which the console's own addresses are; '' for the origin itself. */
  readonly root: string
  /** Before every path of the interface. */
  readonly api: string
  /** `path`: an address names organisation and project. `host`: there is one place, and the host knows which. */
  readonly places: 'path' | 'host'
  /** Whether one signs in here, with a key. */
  readonly signIn: boolean
  /** Where the host signs people in; null: it does not say. */
  readonly signInUrl: string | null
}

/** `console:dev` serves the page as it stands, over an Ambit of its own. */
const IN_DEVELOPMENT: Home = { root: '', api: '', places: 'path', signIn: true, signInUrl: null }

export const home: Home = readHome()

function readHome(): Home {
  const content = document.querySelector<HTMLMetaElement>('meta[name="ambit-console"]')?.content
  return content === undefined ? IN_DEVELOPMENT : (JSON.parse(content) as Home)
}
