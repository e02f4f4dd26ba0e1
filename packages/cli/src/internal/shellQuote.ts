/** Quotes an argument for a POSIX shell, if necessary. */
export const shellQuote = (argument: string): string =>
  /^[\w./:=@+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`
