/** Why Ambit cannot start here. The message says what to do, and holds no secret. */
export class StartError extends Error {
  readonly code: 'locked' | 'no_database' | 'not_migrated' | 'edited_migration' | 'unsafe_database' | 'bad_setting' | 'no_console'

  constructor(code: StartError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.name = 'StartError'
    this.code = code
  }
}
