// A host that does not use a provider has not installed its package, and must be bundled all the same. These words tell webpack
// and Turbopack not to look for it; esbuild and Rollup take what they cannot find for a warning where the import has a `catch`.

export const importOpenAI = () => import(/* webpackIgnore: true */ /* turbopackIgnore: true */ '@ai-sdk/openai').catch(notLoaded)
export const importAnthropic = () => import(/* webpackIgnore: true */ /* turbopackIgnore: true */ '@ai-sdk/anthropic').catch(notLoaded)
export const importGoogle = () => import(/* webpackIgnore: true */ /* turbopackIgnore: true */ '@ai-sdk/google').catch(notLoaded)

function notLoaded(cause: unknown): never {
  throw new Error('The package of a model provider could not be loaded. Install it again.', { cause })
}
