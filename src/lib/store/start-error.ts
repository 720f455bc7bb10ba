/** Why Ambit cannot start here. The message says what to do, and holds no secret. */
export class StartError extends Error {
  readonly code: 'locked' | 'not_migrated' | 'edited_migration' | 'unsafe_database' | 'bad_setting'

  constructor(code: StartError['code'], message: string) {
    super(message)
    this.name = 'StartError'
    this.code = code
  }
}
