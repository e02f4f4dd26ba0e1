/** The error of contact files and reports, and the conversion of system errors to it. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/**
 * A contact file or a report as a whole cannot be read or written. An invalid row does not cause it: see `Row`.
 *
 * @category errors
 * @since 0.1.0
 */
export class FileFault extends Schema.TaggedError<FileFault>("@agentalk/import/FileFault")("FileFault", {
  /**
   * The kind of the problem:
   *
   * - `"system"`: the file cannot be opened, read or written; `code` is the error of the system. A named pipe is also
   *   refused, without a `code`.
   * - `"empty"`: the file contains no header.
   * - `"encoding"`: the file is not UTF-8.
   * - `"binary"`: the file is not text.
   * - `"compression"`: the file is not valid gzip data.
   * - `"header"`: the format of the file is unknown, or its first line is not a valid header.
   * - `"resume"`: the report cannot be used. It exists, another import is writing it, or it cannot be resumed.
   */
  kind: Schema.Literals(["system", "empty", "encoding", "binary", "compression", "header", "resume"]),
  /** Says what happened. It contains no path and no content of the file. */
  message: Schema.String,
  /** Says what to do. */
  advice: Schema.String,
  /**
   * The error code of the system or of zlib, such as `"ENOENT"`. It is `"EEXIST"` if the file exists and `overwrite` is
   * `false`. It is missing if no system call failed.
   */
  code: Schema.optionalKey(Schema.String)
}) {}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EFBIG: "it reached the maximum file size",
  EEXIST: "a file with this name already exists"
}

/** The code of a system error, such as `"ENOENT"`. */
export const codeOf = (error: unknown): string | undefined =>
  Predicate.hasProperty(error, "code") ? String(error.code) : undefined

/** Converts the error of a system call. It drops the error's own message, because that contains the path. */
export const systemFault = (
  action: "read" | "written",
  error: unknown,
  subject: "file" | "report" = "file"
): FileFault => {
  const code = codeOf(error)
  const isGzipError = code?.startsWith("Z_") || code === "ERR_ZLIB_INITIALIZATION_FAILED"
  return new FileFault({
    ...(code !== undefined && { code }),
    ...(isGzipError
      ? {
          kind: "compression",
          message: "the file is not valid gzip data, or it is incomplete",
          advice: "Compress the file again. If it is not compressed, remove .gz from its name."
        }
      : {
          kind: "system",
          message: `the ${subject} cannot be ${action}: ${reasons[code ?? ""] ?? code ?? "unknown reason"}`,
          advice: "Check the path, its permissions and the free space on the disk."
        })
  })
}

/**
 * Makes the error for a named pipe. Named pipes are refused, because opening one blocks a thread until another process
 * opens the other end, and the thread cannot be interrupted.
 */
export const namedPipeFault = (action: "read" | "written"): FileFault =>
  new FileFault({
    kind: "system",
    message: `the file cannot be ${action}: it is a named pipe`,
    advice: `Use - as the file name, and connect standard ${action === "read" ? "input" : "output"} to the pipe.`
  })

/** Makes the error for an import that cannot be started or resumed with its report. */
export const resumeFault = (message: string, advice: string): FileFault =>
  new FileFault({ kind: "resume", message, advice })
