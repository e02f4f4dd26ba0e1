/** The kind of a path: a file, a device, a named pipe, or standard input or output. */
import { statSync } from "node:fs"

/** The path that means standard input or standard output. */
export const standard = "-"

/**
 * - `"standard"`: standard input or output.
 * - `"new"`: the path does not exist, or the system does not allow it to be inspected.
 * - `"file"`: a file or a folder.
 * - `"namedPipe"`: a named pipe (mkfifo).
 * - `"device"`: a device, or a pipe that is already open.
 */
export type PathKind = "standard" | "new" | "file" | "namedPipe" | "device"

const statOf = (path: string) => {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // Opening the path fails for the same reason and reports it.
    return undefined
  }
}

export const pathKind = (path: string): PathKind => {
  if (path === standard) return "standard"
  const stats = statOf(path)
  if (stats === undefined) return "new"
  if (stats.isFile() || stats.isDirectory()) return "file"
  // A pipe below /dev is already open: /dev/stdin, or <(…) of a shell.
  return stats.isFIFO() && !path.startsWith("/dev/") ? "namedPipe" : "device"
}

/** Whether a path names a file, or can name a new one. */
export const isRegular = (path: string): boolean => {
  const kind = pathKind(path)
  return kind === "file" || kind === "new"
}
