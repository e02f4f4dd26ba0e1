/** One import at a time writes a report: a file beside it holds who does. */
import * as Predicate from "effect/Predicate"
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { Refusal } from "./journal.ts"

interface Holder {
  readonly pid: number
  readonly host: string
  /** When the process began, where the system tells it: numbers of processes are given again. */
  readonly began?: string | undefined
}

const began = (pid: number): string | undefined => {
  try {
    // What stands behind the name of the program, which may hold spaces: the 22nd value of proc_pid_stat(5).
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ")[19]
  } catch {
    return undefined
  }
}

const read = (path: string): Holder | undefined => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"))
    return Predicate.hasProperty(value, "pid") && Number.isSafeInteger(value.pid) ? (value as Holder) : undefined
  } catch {
    return undefined
  }
}

const hasCode = (error: unknown, code: string): boolean => Predicate.hasProperty(error, "code") && error.code === code

/** Whether a process is known to be gone. That of another machine is not. */
const isGone = ({ began: then, host, pid }: Holder): boolean => {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return hasCode(error, "ESRCH")
  }
  const now = began(pid)
  return then !== undefined && now !== undefined && now !== then
}

const refusal = (path: string, holder: Holder | undefined): Refusal =>
  new Refusal(
    `another import writes this report${holder === undefined ? "" : `: process ${holder.pid} on ${holder.host}`}`,
    `Wait until it ends, or name another report with --report. If there is none, remove ${path} first.`
  )

/** Takes the lock of a report, and gives what releases it. Throws a `Refusal`, or what the system says. */
export const acquire = (reportPath: string): (() => void) => {
  const path = `${reportPath}.lock`
  const own: Holder = { pid: process.pid, host: hostname(), began: began(process.pid) }
  const take = (): boolean => {
    try {
      writeFileSync(path, `${JSON.stringify(own)}\n`, { flag: "wx", mode: 0o600 })
      return true
    } catch (error) {
      if (hasCode(error, "EEXIST")) return false
      throw error
    }
  }
  if (!take()) {
    const holder = read(path)
    if (holder === undefined || !isGone(holder)) throw refusal(path, holder)
    // Whoever renames it first may have it: of several that find it left over, one.
    const left = `${path}.${process.pid}`
    try {
      renameSync(path, left)
    } catch (error) {
      throw hasCode(error, "ENOENT") ? refusal(path, undefined) : error
    }
    const taken = read(left)
    if (taken === undefined || !isGone(taken)) {
      renameSync(left, path)
      throw refusal(path, taken)
    }
    rmSync(left)
    if (!take()) throw refusal(path, read(path))
  }
  return () => rmSync(path, { force: true })
}
