import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { buildConsole } from './build-console.ts'
import { buildPackage } from './build-package.ts'
import { publishedManifest } from './published-manifest.ts'
import type { SourceManifest } from './published-manifest.ts'

// npm calls this before it packs. From here to `postpack.ts` the folder has the manifest of the tarball. Where that was cut off, `git status`
// shows it, and `node build/postpack.ts` puts it right; so does this.
const KEPT = 'package.source.json'
if (existsSync(KEPT)) renameSync(KEPT, 'package.json')
await buildPackage()
await buildConsole()
const source = JSON.parse(readFileSync('package.json', 'utf8')) as SourceManifest
writeFileSync('package.next.json', `${JSON.stringify(publishedManifest(source), null, 2)}\n`)
copyFileSync('package.json', KEPT)
renameSync('package.next.json', 'package.json')
