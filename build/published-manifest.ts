/** What Ambit's own `package.json` says, as far as the published one depends on it. */
export interface SourceManifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly exports: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
}

/** The versions whose schemas Ambit was tried with: a host has its own, and would not take another. */
const ZOD = '^4.0.0'

/**
 * The `package.json` of the tarball. Written and not the repository's own, because that one brings a Node and a PostgreSQL
 * for every platform, for its scripts and tests: in a host they would be 200 MB, and its `node` would be another than it thinks.
 */
export function publishedManifest(source: SourceManifest) {
  const { name, version, description, exports, peerDependencies, peerDependenciesMeta } = source
  const { zod: _, ...dependencies } = source.dependencies
  return {
    name,
    version,
    description,
    type: 'module',
    engines: { node: '>=22.12' }, // require() of an ES module
    bin: { ambit: 'dist/main.js' },
    exports: {
      ...Object.fromEntries(Object.entries(exports).map(([entry, file]) => [entry, compiledOf(file)])),
      './openapi.json': './openapi.json',
      './package.json': './package.json',
    },
    files: ['dist', 'console/dist', 'docs', '!docs/images', 'examples', 'openapi.json', 'CHANGELOG.md'],
    sideEffects: false,
    // In the types of `store`: without them it would be `any` where a host has none.
    dependencies: { ...dependencies, '@types/pg': source.devDependencies['@types/pg'] },
    // A host makes its tools' schemas with zod, and two of them beside each other do not know each other's.
    peerDependencies: { ...peerDependencies, zod: ZOD },
    peerDependenciesMeta,
  }
}

function compiledOf(file: string) {
  const [, path] = /^\.\/src\/(.+)\.ts$/.exec(file) ?? []
  if (path === undefined) throw new Error(`An export is a file ./src/….ts, and not "${file}".`)
  return { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` }
}
