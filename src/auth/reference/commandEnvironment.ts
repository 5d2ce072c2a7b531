/**
 * The environment of a command: what a program needs to find its person, its network and its keyring. The rest stays
 * behind, because the extension host has variables of its own that would change how the command runs
 * (`ELECTRON_RUN_AS_NODE`, `NODE_OPTIONS`), and keys that are not this command's business.
 */
import path from 'node:path';
import { type Environment, variableOf } from './searchPath.ts';

const EVERYWHERE = ['LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'LC_MESSAGES', 'TZ'];

const NETWORK = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

const UNIX = [
	...['HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR'],
	...['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR'],
	// Keyrings and agents are reached through these.
	...['DBUS_SESSION_BUS_ADDRESS', 'DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'SSH_AUTH_SOCK', 'GNUPGHOME'],
	// macOS: without it the encoding of arguments is guessed.
	'__CF_USER_TEXT_ENCODING',
];

const WINDOWS = [
	...['SystemRoot', 'SystemDrive', 'windir', 'ComSpec', 'PATHEXT', 'TEMP', 'TMP'],
	...['USERPROFILE', 'USERNAME', 'USERDOMAIN', 'HOMEDRIVE', 'HOMEPATH', 'APPDATA', 'LOCALAPPDATA'],
	...['ProgramData', 'ProgramFiles', 'ProgramFiles(x86)', 'ProgramW6432', 'COMPUTERNAME', 'NUMBER_OF_PROCESSORS'],
];

/**
 * @param names further variables that the settings pass on
 * @param folders what PATH becomes: a script looks up programs of its own
 */
export function commandEnvironment(
	env: Environment,
	names: readonly string[],
	folders: readonly string[],
	platform: NodeJS.Platform,
): Record<string, string> {
	const isWindows = platform === 'win32';
	const passed: Record<string, string> = {};
	const network = [...NETWORK, ...(isWindows ? [] : NETWORK.map((name) => name.toLowerCase()))];
	for (const name of [...EVERYWHERE, ...network, ...(isWindows ? WINDOWS : UNIX), ...names]) {
		const value = variableOf(env, name, platform);
		if (value !== undefined) passed[name] = value;
	}
	for (const name of Object.keys(passed)) if (name.toUpperCase() === 'PATH') delete passed[name];
	passed.PATH = folders.join(isWindows ? path.win32.delimiter : path.posix.delimiter);
	return passed;
}
