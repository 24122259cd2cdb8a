// What a subcommand speaks to, and how it fails.

/** A terminal, a file or a pipe; only a terminal has columns. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
};

/** The process's own streams, or what a test puts in their place. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  /** The built program in which other people's drivers are tried; absent: they are tried in this process. */
  readonly kitProgram?: URL;
}

/** Something that the person at the terminal can put right: its message is all that they need to see. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}

/** The command line itself is at fault, which parsing alone does not see. */
export class Misuse extends CommandFailure {}

/** An import of nothing is a wrong file, not a success. */
export function noRows(file: string): CommandFailure {
  return new CommandFailure(`${file}: there is no row in it below the names of the columns.`);
}
