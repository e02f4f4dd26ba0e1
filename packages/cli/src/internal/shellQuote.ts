/** Quotes an argument for a POSIX shell, if it must be quoted. */
export const shellQuote = (argument: string): string =>
  /^[\w./:=@+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`
