import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'

const BOUND = 6_000

test('bundled for a browser: nothing of Node, no package at run time, and small', async () => {
  const { metafile, outputFiles, errors } = await build({
    entryPoints: [new URL('../../src/client.ts', import.meta.url).pathname],
    bundle: true, minify: true, platform: 'browser', format: 'esm', target: 'es2022', external: ['ai'],
    write: false, metafile: true, logLevel: 'silent',
  })
  expect(errors).toEqual([])
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  expect(outside).toEqual([])
  const rooms = Object.keys(metafile.inputs).map((path) => path.split('/').at(-2))
  expect(new Set(rooms)).toEqual(new Set(['src', 'client', 'wire']))
  const [output] = outputFiles
  const bytes = output?.contents ?? new Uint8Array()
  const packed = gzipSync(bytes).length
  process.stdout.write(`ambit/client: ${bytes.length} bytes, ${packed} gzipped\n`)
  expect(bytes.length).toBeGreaterThan(1_000)
  expect(packed).toBeLessThan(BOUND)
})
