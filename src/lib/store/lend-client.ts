/** A connection as it is lent to a tool, and how the loan ends. */
export interface Loan<Client extends object> {
  readonly client: Client
  end(): void
}

/**
 * After its transaction a connection is somebody else's: what a tool left running, such as the other branches of a
 * `Promise.all` of which one failed, would read and write under another tenant's settings. And a tool that gave it back itself
 * would share its transaction with whoever takes it next.
 */
export function lendClient<Client extends object>(client: Client): Loan<Client> {
  let over = false
  const lent = new Proxy(client, {
    get(whole, name) {
      if (over) throw new Error('This transaction is over. Await every statement before the tool answers.')
      if (name === 'release') throw new Error('This connection is given back when the tool has answered: do not release it.')
      const member: unknown = Reflect.get(whole, name, whole)
      return typeof member === 'function' ? member.bind(whole) : member
    },
  })
  return { client: lent, end: () => void (over = true) }
}
