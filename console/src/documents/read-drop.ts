import { isTaken } from './check-document.ts'

/** What was dropped: the files themselves, whatever they are, and of folders those that are texts. To be called while the drop is told, for after it the data is gone. */
export async function readDrop({ items }: Pick<DataTransfer, 'items'>): Promise<{ readonly files: readonly File[]; readonly leftOut: number }> {
  const dropped = [...items].filter(({ kind }) => kind === 'file').map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }))
  const files: File[] = []
  let leftOut = 0
  for (const { entry, file } of dropped) {
    if (!entry?.isDirectory) {
      if (file) files.push(file)
      continue
    }
    for await (const one of filesBelow(entry as FileSystemDirectoryEntry)) {
      if (isTaken(one.name)) files.push(await fileOf(one))
      else leftOut += 1
    }
  }
  return { files, leftOut }
}

/** What a system hides is not meant. */
async function* filesBelow(folder: FileSystemDirectoryEntry): AsyncGenerator<FileSystemFileEntry> {
  const reader = folder.createReader()
  for (;;) {
    const entries = await new Promise<readonly FileSystemEntry[]>((resolve, reject) => { reader.readEntries(resolve, reject) })
    if (entries.length === 0) return // it gives a hundred at a time
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory) yield* filesBelow(entry as FileSystemDirectoryEntry)
      else yield entry as FileSystemFileEntry
    }
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => { entry.file(resolve, reject) })
}
