/**
 * Named pipes (mkfifo), which are refused: to open one waits for its other end in a thread that nothing can stop, so
 * that the process would not even end when it is told to.
 */
import { statSync } from "node:fs"

/** Whether a path is one. What stands under /dev is a pipe that somebody has opened: `/dev/stdin`, `<(…)` of a shell. */
export const isNamedPipe = (path: string): boolean => {
  if (path.startsWith("/dev/")) return false
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFIFO() === true
  } catch {
    // Whoever opens it is told why.
    return false
  }
}

/** The code of such a refusal. */
export const namedPipe = { code: "ENAMEDPIPE" }
