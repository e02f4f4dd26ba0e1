/** Checks the rows of a file without sending them. */
import { UpsertInput } from "@agentalk/core/Contact"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Stream from "effect/Stream"
import * as ContactFile from "../ContactFile.ts"
import * as Line from "./reportLine.ts"

/**
 * The result of `check`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Check {
  /** The number of rows in the file. */
  readonly rows: number
  /** The number of rows that an import would send. */
  readonly valid: number
  /** The number of rows that an import would not send. */
  readonly invalid: number
}

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const toReason = (issue: SchemaIssue.Issue): string =>
  Line.reasonOf(formatIssue(issue).issues.map(({ message, path = [] }) => ({ message, path: path.map(String) })))

const decodeInput = SchemaParser.decodeUnknownResult(UpsertInput)

/**
 * Reads a file and checks its rows like `run`, but sends nothing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const check = (
  path: string,
  options: Omit<ContactFile.ReadOptions, "onBytes"> & {
    /** Called for every row that an import would not send. Default: none. */
    readonly onInvalid?: ((row: Line.Line) => void) | undefined
  } = {}
): Effect.Effect<Check, ContactFile.FileFault> =>
  Effect.suspend(() => {
    const { onInvalid, ...readOptions } = options
    let rows = 0
    let invalid = 0
    const refuse = ({ line, row }: ContactFile.Row, reason: string): void => {
      invalid++
      onInvalid?.({ row, line, outcome: "invalid", reason })
    }
    return ContactFile.read(path, readOptions).pipe(
      Stream.runForEachArray((chunk) =>
        Effect.sync(() => {
          for (const row of chunk) {
            rows++
            if (row._tag === "Refused") refuse(row, row.reason)
            else {
              const decoded = decodeInput(row.input)
              if (Result.isFailure(decoded)) refuse(row, toReason(decoded.failure))
            }
          }
        })
      ),
      Effect.map(() => ({ rows, valid: rows - invalid, invalid }))
    )
  })
