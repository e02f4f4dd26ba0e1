/** Text for a terminal: colours, widths and control characters. */
import * as CliOutput from "effect/cli/CliOutput"
import { styleText } from "node:util"

type Style = Parameters<typeof styleText>[0]

// `TerminalCapabilities` of Effect only detects the colours of standard output, and has no function that applies them.

/** Colours a text for standard output, if that is a terminal with colours and NO_COLOR is not set. */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })

/** Like `paint`, for standard error. */
export const paintError = (style: Style, text: string): string => styleText(style, text, { stream: process.stderr })

/** Returns one line without control and bidirectional characters, because these could manipulate a terminal. */
export const plain = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === "\n" || character === "\t" ? " " : "\ufffd"
  )

/** Cuts a text to a width in terminal columns. It never cuts within a character. */
export const fit = (text: string, width: number): string => {
  if (CliOutput.displayWidth(text) <= width) return text
  let out = ""
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (CliOutput.displayWidth(out + segment) > width - 1) break
    out += segment
  }
  return `${out}…`
}

/** Fills a text with spaces up to a width in terminal columns. */
export const pad = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - CliOutput.displayWidth(text)))

/** Breaks a text between words into lines of at most `width` columns. Only a longer word exceeds this width. */
export const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of plain(text).split(" ")) {
    const last = lines.at(-1)
    const fits = last !== undefined && CliOutput.displayWidth(`${last} ${word}`) <= width
    if (fits) lines.splice(-1, 1, `${last} ${word}`)
    else lines.push(word)
  }
  return lines
}
