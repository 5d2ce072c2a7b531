/** Where the command of terminals lies, and where the windows that answer it announce themselves. */
import path from 'node:path';

export type TerminalFolders = {
	/** Goes on PATH. */
	readonly bin: string;
	/** Where windows announce themselves; `AGENT_AUTH_RUN`. */
	readonly run: string;
};

/** The same for every window, reload and version. */
export function terminalFolders(globalStoragePath: string): TerminalFolders {
	return { bin: path.join(globalStoragePath, 'bin'), run: path.join(globalStoragePath, 'run') };
}
