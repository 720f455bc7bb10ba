import { describe, expect, test } from 'vitest'
import { createAmbit, namedModel } from '../../src/index.ts'
import { modelRegistry } from '../../src/lib/model/model-registry.ts'
import { modelsOf } from '../../src/lib/cli/models-of.ts'
import { settingsOf } from '../../src/lib/cli/settings.ts'
import { allowsModel } from '../../src/lib/model/model-name.ts'

const KEY = 'sk-SECRET-4711'

describe('a list of names and patterns', () => {
  test.for<[models: readonly string[], name: string, allowed: boolean]>([
    [['openai:gpt-5'], 'openai:gpt-5', true],
    [['openai:gpt-5'], 'openai:gpt-5-mini', false],
    [['openai:gpt-5*'], 'openai:gpt-5-mini', true],
    [['openai:gpt-5*'], 'openai:gpt-5', true],
    [['openai:gpt-5*'], 'openai:gpt-4', false],
    [['offline', 'anthropic:*'], 'anthropic:claude-x', true],
    [['offline', 'anthropic:*'], 'openai:gpt-5', false],
    [['offline'], 'offline', true],
    [['openai-compatible:*'], 'openai-compatible:meta-llama/llama-4:free', true],
    [['test:a model'], 'test:a model', true],
    // A pattern is no name, and names stay in their place.
    [['openai:*'], 'openai:*', false],
    [['openai:gpt-5*'], 'openai:gpt-5*', false],
    [['openai:*'], 'openai:', false],
    [['openai:*'], 'openai:gpt*', false],
    [['google:*'], 'google:x/../../v1/files', false],
    [['google:*'], 'google:../files', false],
    [['google:*'], 'google:x?key=1', false],
    [['google:*'], 'google:x y', false],
    [['google:*'], 'google:x%2f', false],
    [[], 'openai:gpt-5', false],
  ])('%o and %s: %s', ([models, name, allowed]) => {
    expect(allowsModel(models, name)).toBe(allowed)
  })
})

describe('a name that cannot work is refused when it is named', () => {
  test.for<[name: string, settings: Parameters<typeof namedModel>[1], words: RegExp]>([
    ['gpt', {}, /^"gpt" is no model\. Use "offline", "openai:<id>", .+ or "none"\.$/],
    ['openai:', { apiKey: KEY }, /is no model/],
    ['openai:a b', { apiKey: KEY }, /is no model/],
    ['mistral:x', {}, /is no model/],
    ['__proto__:x', {}, /is no model/],
    ['openai:x', {}, /^Models of openai need a key: set OPENAI_API_KEY, /],
    ['openai:x', { apiKey: '' }, /^Models of openai need a key: set OPENAI_API_KEY, /],
    ['anthropic:x', {}, /ANTHROPIC_API_KEY/],
    ['google:x', {}, /GOOGLE_GENERATIVE_AI_API_KEY/],
    ['openai-compatible:x', {}, /AMBIT_MODEL_BASE_URL/],
    ['openai-compatible:x', { baseURL: 'ftp://h/v1' }, /AMBIT_MODEL_BASE_URL/],
    ['openai-compatible:x', { baseURL: 'SECRET' }, /AMBIT_MODEL_BASE_URL/],
    ['openai:x', { apiKey: `${KEY}\nx: y` }, /OPENAI_API_KEY/],
    ['openai:x', { apiKey: `${KEY} and more` }, /OPENAI_API_KEY/],
    ['openai:x', { apiKey: `${KEY}€` }, /OPENAI_API_KEY/],
  ])('%s', ([name, settings, words]) => {
    let message = ''
    try {
      namedModel(name, settings)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toMatch(words)
    expect(message).not.toContain('SECRET')
  })

  test.for<[options: Pick<Parameters<typeof createAmbit>[0], 'model' | 'allowedModels' | 'providers'>, words: RegExp]>([
    [{ model: 'openai:x' }, /OPENAI_API_KEY/],
    [{ model: 'openai:*', providers: { openai: { apiKey: KEY } } }, /"openai:\*" is no model/],
    [{ model: 'offline', allowedModels: ['openai:*'] }, /OPENAI_API_KEY/],
    [{ model: 'offline', allowedModels: ['openai:x', 'google:*'], providers: { openai: { apiKey: KEY } } }, /GOOGLE_GENERATIVE_AI_API_KEY/],
    [{ model: 'offline', allowedModels: ['*'] }, /"\*" must begin with a provider/],
    [{ model: 'offline', allowedModels: ['open*'] }, /"open\*" must begin with a provider/],
    [{ model: 'offline', allowedModels: ['none'] }, /"none" is no model/],
    [{ model: 'none', allowedModels: ['offline'] }, /there is none/],
  ])('of an Ambit: %o', ([options, words]) => {
    expect(() => createAmbit({ ...options, store: 'postgres://nowhere', authenticate: async () => null })).toThrow(words)
  })
})

test('which models take images', () => {
  const takes = (options: { readonly model: string; readonly images?: readonly string[] }) => (name: string) => modelRegistry({ ...options }).takesImages(name)
  const names = ['openai:gpt-5', 'anthropic:claude', 'google:gemini', 'openai-compatible:qwen', 'offline', 'default', 'openai:*']
  expect(names.map(takes({ model: 'offline' }))).toEqual([true, true, true, false, false, false, false])
  expect(names.map(takes({ model: 'offline', images: ['openai-compatible:*', 'default'] }))).toEqual([false, false, false, true, false, true, false])
  expect(names.map(takes({ model: 'offline', images: [] })).some(Boolean)).toBe(false)
})

describe('by the environment', () => {
  test('names, keys and addresses; only those of providers that are named', () => {
    const settings = settingsOf({
      AMBIT_MODEL: 'openai:gpt-5', AMBIT_ALLOWED_MODELS: ' openai:gpt-5-mini, ,anthropic:* ', OPENAI_API_KEY: ` ${KEY} `,
      ANTHROPIC_API_KEY: 'a', ANTHROPIC_BASE_URL: 'http://127.0.0.1:1/v1', GOOGLE_GENERATIVE_AI_API_KEY: 'g', GOOGLE_GENERATIVE_AI_BASE_URL: 'not a URL',
    })
    expect(settings.model).toEqual({
      name: 'openai:gpt-5', allowed: ['openai:gpt-5-mini', 'anthropic:*'],
      providers: { openai: { apiKey: KEY }, anthropic: { apiKey: 'a', baseURL: 'http://127.0.0.1:1/v1' }, 'openai-compatible': {} },
    })
    expect(modelsOf(settings)).toEqual({ model: 'openai:gpt-5', allowedModels: ['openai:gpt-5-mini', 'anthropic:*'], providers: settings.model.providers })
  })

  test('the models that take images', () => {
    const imagesBy = (images?: string) => modelsOf(settingsOf({ ...(images !== undefined && { AMBIT_IMAGE_MODELS: images }) })).images
    expect([imagesBy(), imagesBy(''), imagesBy('none')]).toEqual([undefined, undefined, []])
    expect(imagesBy('openai-compatible:qwen-vl*, openai:gpt-5')).toEqual(['openai-compatible:qwen-vl*', 'openai:gpt-5'])
  })

  test.for<[environment: Readonly<Record<string, string>>, words: RegExp]>([
    [{ AMBIT_MODEL: 'openai:x' }, /^AMBIT_MODEL: Models of openai need a key: set OPENAI_API_KEY/],
    [{ AMBIT_MODEL: 'openai:x', OPENAI_API_KEY: `${KEY}\u0000` }, /^AMBIT_MODEL: The key of openai .+OPENAI_API_KEY/],
    [{ AMBIT_MODEL: 'openai:x', OPENAI_API_KEY: KEY, OPENAI_BASE_URL: 'SECRET' }, /^OPENAI_BASE_URL is no URL/],
    [{ AMBIT_ALLOWED_MODELS: 'google:*' }, /^AMBIT_ALLOWED_MODELS: Models of google need a key/],
    [{ AMBIT_ALLOWED_MODELS: '*' }, /^AMBIT_ALLOWED_MODELS: "\*" must begin with a provider/],
    [{ AMBIT_IMAGE_MODELS: 'openai:*,gpt-5' }, /^AMBIT_IMAGE_MODELS names "gpt-5"/],
    [{ AMBIT_MODEL: 'none', AMBIT_ALLOWED_MODELS: 'offline' }, /^AMBIT_ALLOWED_MODELS: /],
  ])('%o is refused', ([environment, words]) => {
    let message = ''
    try {
      modelsOf(settingsOf(environment))
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toMatch(words)
    expect(message).not.toContain('SECRET')
  })
})
