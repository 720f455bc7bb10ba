import { describe, expect, test } from 'vitest'
import { fitsKeys, isSingleKey } from '../../console/src/shell/fits-keys.ts'
import type { PressedKey } from '../../console/src/shell/fits-keys.ts'

const press = (key: string, held: Partial<PressedKey> = {}): PressedKey => ({ key, metaKey: false, ctrlKey: false, altKey: false, shiftKey: false, ...held })

describe('a shortcut', () => {
  test.each<readonly [keys: string, pressed: PressedKey, onApple: boolean]>([
    ['c', press('c'), false],
    ['?', press('?', { shiftKey: true }), false],
    ['?', press('?'), false], // where it has a key of its own
    ['/', press('/', { shiftKey: true }), false], // as on a German keyboard
    ['mod+k', press('k', { ctrlKey: true }), false],
    ['mod+k', press('k', { metaKey: true }), true],
    ['mod+.', press('.', { ctrlKey: true }), false],
    ['c', press('c'), true],
  ])('%s is %o', (keys, pressed, onApple) => {
    expect(fitsKeys(pressed, keys, onApple)).toBe(true)
  })

  test.each<readonly [keys: string, pressed: PressedKey, onApple: boolean]>([
    ['c', press('c', { ctrlKey: true }), false], // copies
    ['c', press('c', { metaKey: true }), true],
    ['c', press('c', { metaKey: true }), false], // the system's own key
    ['c', press('c', { ctrlKey: true }), true],
    ['c', press('c', { altKey: true }), false],
    ['c', press('C', { shiftKey: true }), false],
    ['c', press('d'), false],
    ['mod+k', press('k'), false],
    ['mod+k', press('k', { metaKey: true }), false],
    ['mod+k', press('k', { ctrlKey: true }), true], // deletes to the end of the line
    ['mod+k', press('k', { ctrlKey: true, metaKey: true }), false],
    ['mod+k', press('k', { ctrlKey: true, altKey: true }), false],
    ['mod+k', press('K', { ctrlKey: true, shiftKey: true }), false], // the browser's own
  ])('%s is not %o', (keys, pressed, onApple) => {
    expect(fitsKeys(pressed, keys, onApple)).toBe(false)
  })

  test('of a single key is one that also writes', () => {
    expect(['c', '?', 'mod+k', 'mod+.'].map(isSingleKey)).toEqual([true, true, false, false])
  })
})
