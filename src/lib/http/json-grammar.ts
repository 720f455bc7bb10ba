/**
 * JSON (RFC 8259) as a table: for each state and byte, the state after it, or what is to be done. Most bytes of a text
 * decide nothing and cost one look-up. It takes exactly what `JSON.parse` takes; whether the bytes inside of strings are
 * UTF-8 is asked elsewhere.
 */
const STATES = 64
const BYTES = 256

/** A value must come; a value or `]`; a key or `}`; a key. */
export const VALUE = 0
export const FIRST_ELEMENT = 1
export const FIRST_KEY = 2
const KEY = 3
/** What stands behind a key, behind a value in an object, in a list, and behind the whole. */
export const COLON = 4
export const AFTER_MEMBER = 5
export const AFTER_ELEMENT = 6
export const DONE = 7

// In a number: behind its sign, a leading zero, a digit, the point, a digit, the e, its sign, a digit.
const SIGN = 8
const ZERO = 9
const WHOLE = 10
const POINT = 11
const FRACTION = 12
const POWER = 13
const POWER_SIGN = 14
const EXPONENT = 15

// In a string: six states each, because a key and a value end differently. In a literal: one state for each letter.
const STRING_STATES = 6
export const TEXT = 16
export const KEY_TEXT = TEXT + STRING_STATES
const LITERALS = KEY_TEXT + STRING_STATES

/** Before the first byte: as VALUE, but a byte order mark may stand here, which a parser may pass over (RFC 8259, 8.1). */
export const START = 40
const MARK = 41

/** What is to be done; all from here on are no states. */
export const ACTIONS = STATES
export const OPEN_OBJECT = 64
export const OPEN_LIST = 65
export const CLOSE = 66
export const KEY_BEGINS = 67
export const KEY_ENDS = 68
/** With this byte. */
export const VALUE_ENDS = 69
/** Before this byte, which belongs to what follows: nothing else tells that a number is over. */
export const NUMBER_ENDS = 70
export const WRONG = 71
/** A string, number or literal begins; the rest is its state. */
export const BEGINS = 128

const WHITE = ' \t\n\r'
const DIGIT = '0123456789'

/** By `state * 256 + byte`. */
export const GRAMMAR: Uint8Array = buildTable()

function buildTable(): Uint8Array {
  const table = new Uint8Array(STATES * BYTES).fill(WRONG)
  const on = (state: number, bytes: string, entry: number) => {
    for (const byte of bytes) table[state * BYTES + byte.charCodeAt(0)] = entry
  }
  addStructure(on)
  for (const state of [ZERO, WHOLE, FRACTION, EXPONENT]) table.fill(NUMBER_ENDS, state * BYTES, (state + 1) * BYTES)
  addNumbers(on)
  addString(table, on, TEXT, VALUE_ENDS)
  addString(table, on, KEY_TEXT, KEY_ENDS)
  addLiterals(on)
  table.copyWithin(START * BYTES, VALUE * BYTES, (VALUE + 1) * BYTES)
  for (const [index, byte] of ['\u00ef', '\u00bb', '\u00bf'].entries()) {
    on(index === 0 ? START : MARK + index - 1, byte, index === 2 ? VALUE : MARK + index)
  }
  return table
}

type On = (state: number, bytes: string, entry: number) => void

function addStructure(on: On): void {
  for (const state of [VALUE, FIRST_ELEMENT, FIRST_KEY, KEY, COLON, AFTER_MEMBER, AFTER_ELEMENT, DONE]) on(state, WHITE, state)
  for (const state of [VALUE, FIRST_ELEMENT]) {
    on(state, '{', OPEN_OBJECT)
    on(state, '[', OPEN_LIST)
    on(state, '"', BEGINS + TEXT)
    on(state, '-', BEGINS + SIGN)
    on(state, '0', BEGINS + ZERO)
    on(state, '123456789', BEGINS + WHOLE)
  }
  on(FIRST_ELEMENT, ']', CLOSE)
  on(FIRST_KEY, '}', CLOSE)
  for (const state of [FIRST_KEY, KEY]) on(state, '"', KEY_BEGINS)
  on(COLON, ':', VALUE)
  on(AFTER_MEMBER, ',', KEY)
  on(AFTER_MEMBER, '}', CLOSE)
  on(AFTER_ELEMENT, ',', VALUE)
  on(AFTER_ELEMENT, ']', CLOSE)
}

function addNumbers(on: On): void {
  on(SIGN, '0', ZERO)
  on(SIGN, '123456789', WHOLE)
  on(WHOLE, DIGIT, WHOLE)
  for (const state of [ZERO, WHOLE]) on(state, '.', POINT)
  for (const state of [POINT, FRACTION]) on(state, DIGIT, FRACTION)
  for (const state of [ZERO, WHOLE, FRACTION]) on(state, 'eE', POWER)
  on(POWER, '+-', POWER_SIGN)
  for (const state of [POWER, POWER_SIGN, EXPONENT]) on(state, DIGIT, EXPONENT)
}

function addString(table: Uint8Array, on: On, text: number, end: number): void {
  const escape = text + 1
  const hex = text + 2
  table.fill(text, text * BYTES + 0x20, (text + 1) * BYTES)
  on(text, '"', end)
  on(text, '\\', escape)
  on(escape, '"\\/bfnrt', text)
  on(escape, 'u', hex)
  for (let digit = 0; digit < 4; digit += 1) on(hex + digit, `${DIGIT}abcdefABCDEF`, digit === 3 ? text : hex + digit + 1)
}

function addLiterals(on: On): void {
  let state = LITERALS
  for (const word of ['true', 'false', 'null']) {
    for (const first of [VALUE, FIRST_ELEMENT]) on(first, word.charAt(0), BEGINS + state)
    for (const [index, letter] of [...word].slice(1).entries()) on(state + index, letter, index === word.length - 2 ? VALUE_ENDS : state + index + 1)
    state += word.length - 1
  }
}
