import { remembered } from './remembered.ts'

/**
 * Whether a key alone does something. Who speaks to the machine, or hits keys by chance, turns that off (WCAG 2.2, 2.1.4);
 * shortcuts with a modifier go on working.
 */
export const singleKeys = remembered<'on' | 'off'>('ambit-single-keys', ['on', 'off'])
