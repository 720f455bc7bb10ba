import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { buildPackage } from './build-package.ts'
import { publishedManifest } from './published-manifest.ts'
import type { SourceManifest } from './published-manifest.ts'

// npm calls this before it packs. From here to `postpack.ts` the folder has the manifest of the tarball; one that was cut off
// in between is put right by the next.
const KEPT = 'package.source.json'
if (existsSync(KEPT)) renameSync(KEPT, 'package.json')
await buildPackage()
const source = JSON.parse(readFileSync('package.json', 'utf8')) as SourceManifest
renameSync('package.json', KEPT)
writeFileSync('package.json', `${JSON.stringify(publishedManifest(source), null, 2)}\n`)
