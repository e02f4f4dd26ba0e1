/** The explanation of an error, and how it is printed. */
import { paintError, plain } from "./terminalText.ts"

export interface Explanation {
  /** The exit status of the command. */
  readonly status: number
  readonly tag: string
  /** What happened. */
  readonly message: string
  /** What to do about it. */
  readonly advice: string
  /** How `agentalk doctor` can help. `agentalk doctor` itself does not print this. */
  readonly doctorHint?: string
  /** More properties of the error, for --json. */
  readonly details?: Readonly<Record<string, unknown>>
  /** The details as a line, for --verbose. */
  readonly detailLine?: string
}

/** Returns two lines for a person, and a third one with --verbose. */
export const toLines = (explanation: Explanation, isVerbose: boolean): ReadonlyArray<string> => {
  const { advice, detailLine, doctorHint, message, tag } = explanation
  return [
    `${paintError("red", tag)}: ${plain(message)}`,
    plain(doctorHint === undefined ? advice : `${advice} ${doctorHint}`),
    ...(isVerbose && detailLine !== undefined ? [plain(detailLine)] : [])
  ]
}

/** Returns the JSON document that --json prints on standard error. */
export const toJson = ({ advice, details = {}, message, tag }: Explanation): string =>
  JSON.stringify({ error: { tag, message, advice, ...details } })
