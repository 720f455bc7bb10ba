// Plain JavaScript, because it runs on the Node that has to be refused: below 22 a `.ts` file is an unknown extension.
// npm puts node_modules/.bin first on PATH for scripts, and the optional dependencies put a Node 26 there.
if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `Ambit needs Node 24 or newer; this is ${process.version}, and no bundled Node was installed for ${process.platform} ${process.arch}.\n` +
      'Run `npm ci` without --omit=optional, or install Node 24 or newer.\n',
  )
  process.exitCode = 1
}
