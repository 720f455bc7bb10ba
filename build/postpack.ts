import { renameSync } from 'node:fs'

// npm calls this when the tarball is written: the repository's own manifest is back.
renameSync('package.source.json', 'package.json')
