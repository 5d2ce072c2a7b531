/** How the launcher is called from the file of a tool: by its absolute path, quoted as that tool reads it. */
import path from 'node:path';
import { FileProblem } from './format.ts';

export type Launch = {
	/** The folder of the launcher. */
	readonly binFolder: string;
	readonly platform: NodeJS.Platform;
};

const NEEDS_NO_QUOTES = /^[\w@%+=:,./-]+$/;

/** The path of the launcher, for tools that run it without a shell. */
export function launcherPath({ binFolder, platform }: Launch): string {
	return platform === 'win32' ? path.win32.join(binFolder, 'agent-auth.cmd') : path.posix.join(binFolder, 'agent-auth');
}

/** For tools that hand the text to `/bin/sh`, on Windows to sh or cmd, which agree on double quotes. */
export function shellCommand(launch: Launch, args: readonly string[]): string {
	const launcher = launcherPath(launch);
	if (launch.platform !== 'win32') return [posixQuoted(launcher), ...args].join(' ');
	if (/["%$`!]/.test(launcher)) throw new FileProblem('path', 'the path of the launcher cannot be quoted');
	return [`"${launcher}"`, ...args].join(' ');
}

/** For git, which runs what follows `!` with its own sh, also on Windows. */
export function gitHelper({ binFolder, platform }: Launch, args: readonly string[]): string {
	const folder = platform === 'win32' ? binFolder.replaceAll('\\', '/') : binFolder;
	return `!${[posixQuoted(path.posix.join(folder, 'agent-auth')), ...args].join(' ')}`;
}

/**
 * For the AWS tools, which split it themselves, each in its own way: only double quotes around a path with spaces are
 * the same everywhere.
 */
export function awsCommand(launch: Launch, args: readonly string[]): string {
	const launcher = launcherPath(launch);
	const forbidden = launch.platform === 'win32' ? /["'%$`;#]/ : /["'\\$`;#]/;
	if (forbidden.test(launcher)) throw new FileProblem('path', 'the path of the launcher cannot be quoted');
	return [/\s/.test(launcher) ? `"${launcher}"` : launcher, ...args].join(' ');
}

function posixQuoted(text: string): string {
	return NEEDS_NO_QUOTES.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
