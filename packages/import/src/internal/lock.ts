/** The lock of a report: a file beside it that names the process of the import. Only one import can write a report. */
import { isObject, parseJson } from "@agentalk/core/unstable"
import * as Result from "effect/Result"
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { codeOf, type FileFault, resumeFault } from "./fileFault.ts"

interface Owner {
  readonly pid: number
  readonly host: string
  /** The start time of the process, if the system reports it. Another process may have the same id later. */
  readonly began?: string | undefined
}

const startTimeOf = (pid: number): string | undefined => {
  try {
    // The start time is the 22nd value of proc_pid_stat(5). The second value is the program's name in parentheses. The
    // name may contain spaces and `)`, so only the values after the last `)` are split.
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ")[19]
  } catch {
    return undefined
  }
}

const readOwner = (lockPath: string): Owner | undefined => {
  try {
    const value = Result.getOrUndefined(parseJson(readFileSync(lockPath, "utf8")))
    return isObject(value) && Number.isSafeInteger(value["pid"]) ? (value as unknown as Owner) : undefined
  } catch {
    return undefined
  }
}

/** Whether a process has ended. For a process on another machine this is unknown, so the result is `false`. */
const hasEnded = ({ began, host, pid }: Owner): boolean => {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === "ESRCH"
  }
  const current = startTimeOf(pid)
  return began !== undefined && current !== undefined && current !== began
}

const lockedFault = (lockPath: string, owner: Owner | undefined): FileFault =>
  resumeFault(
    `another import is writing this report${owner === undefined ? "" : `: process ${owner.pid} on ${owner.host}`}`,
    `Wait until it ends, or choose another report with --report. If no import is running, remove ${lockPath} first.`
  )

/** Acquires the lock of a report, and returns the function that releases it. Throws a `FileFault` or a system error. */
export const acquire = (reportPath: string): (() => void) => {
  const lockPath = `${reportPath}.lock`
  const own: Owner = { pid: process.pid, host: hostname(), began: startTimeOf(process.pid) }
  const tryCreate = (): boolean => {
    try {
      writeFileSync(lockPath, `${JSON.stringify(own)}\n`, { flag: "wx", mode: 0o600 })
      return true
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false
      throw error
    }
  }
  if (!tryCreate()) {
    const owner = readOwner(lockPath)
    if (owner === undefined || !hasEnded(owner)) throw lockedFault(lockPath, owner)
    // Several processes may find the same stale lock. Only one of them can rename it.
    const stalePath = `${lockPath}.${process.pid}`
    try {
      renameSync(lockPath, stalePath)
    } catch (error) {
      throw codeOf(error) === "ENOENT" ? lockedFault(lockPath, undefined) : error
    }
    // Another process may have replaced the stale lock by its own before the rename.
    const renamed = readOwner(stalePath)
    if (renamed === undefined || !hasEnded(renamed)) {
      renameSync(stalePath, lockPath)
      throw lockedFault(lockPath, renamed)
    }
    rmSync(stalePath)
    if (!tryCreate()) throw lockedFault(lockPath, readOwner(lockPath))
  }
  return () => rmSync(lockPath, { force: true })
}
