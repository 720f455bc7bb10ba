import { describe, expect, test } from 'vitest'
import { curlWith, endsSoon, stateOf } from '../../console/src/keys/key-state.ts'
import { changedOf, readDraft } from '../../console/src/settings/settings-draft.ts'
import { allows, namesOf, patternsOf } from '../../console/src/api/model-names.ts'

const NOW = Date.parse('2026-05-01T12:00:00Z')
const at = (days: number) => new Date(NOW + days * 86_400_000).toISOString()

describe('a key', () => {
  test.for([
    [null, null, 'working'],
    [at(1), null, 'working'],
    [at(0), null, 'expired'],
    [at(-1), null, 'expired'],
    [at(1), at(-1), 'revoked'],
    [at(-1), at(-2), 'revoked'],
  ] as const)('that ends %s and was revoked %s is %s', ([expires_at, revoked_at, state]) => {
    expect(stateOf({ expires_at, revoked_at }, NOW)).toBe(state)
  })

  test('is about to end in its last week', () => {
    expect([null, at(8), at(6)].map((expires_at) => endsSoon({ expires_at }, NOW))).toEqual([false, false, true])
  })

  test('is tried at this origin, below what the host puts before the interface', () => {
    expect(curlWith('ambit_x', '', 'https://chat.example.com')).toBe(`curl -H 'authorization: Bearer ambit_x' https://chat.example.com/v1/me`)
    expect(curlWith('ambit_x', '/api/ambit', 'https://example.com')).toBe(`curl -H 'authorization: Bearer ambit_x' https://example.com/api/ambit/v1/me`)
  })
})

describe('a model', () => {
  const models = ['offline', 'openai:gpt-5', 'anthropic:claude-*']

  test('is listed by name, and allowed by name or pattern', () => {
    expect(namesOf(models)).toEqual(['offline', 'openai:gpt-5'])
    expect(patternsOf(models)).toEqual(['anthropic:claude-*'])
    expect(['offline', 'anthropic:claude-x', 'anthropic:claude-', 'anthropic:other', 'anthropic:claude-*', ' offline', ''].map((name) => allows(models, name))).toEqual([true, true, false, false, false, false, false])
  })
})

describe('a draft of settings', () => {
  const settings = { ai_enabled: true, instructions: 'Be short.', model: null }

  test('holds what was changed, and nothing that was changed back', () => {
    expect(changedOf(settings, { ai_enabled: false, instructions: 'Be short.', model: 'offline' })).toEqual({ ai_enabled: false, model: 'offline' })
    expect(changedOf(settings, { ...settings })).toEqual({})
  })

  test('is read as far as it is one', () => {
    expect(readDraft(JSON.stringify({ ai_enabled: false, instructions: 'x', model: null }))).toEqual({ ai_enabled: false, instructions: 'x', model: null })
    for (const kept of [null, '', '{', 'null', '7', '[]', '{"ai_enabled":"yes","instructions":7,"model":{}}']) expect(readDraft(kept)).toEqual({})
  })
})
