/**
 * The desktop VS Code, with a profile of its own: the installed one, else one fetched into the cache folder.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { downloadAndUnzipVSCode, resolveCliArgsFromVSCodeExecutablePath } from '@vscode/test-electron';
import { cacheFolder } from './cacheFolder.ts';
import { findInPath } from './debian.ts';
import { endProcessTree, killTreeAtExit } from './processTree.ts';
import { mustRun, withProgress } from './progress.ts';

export interface DesktopOptions {
	/** Holds profile and extensions. */
	readonly folder: string;
	/** Folder to open. */
	readonly workspace: string;
	readonly vsixPaths: readonly string[];
	/** User settings. */
	readonly settings: Readonly<Record<string, unknown>>;
}

export interface Desktop {
	readonly pid: number;
	/** Resolves when the person closed VS Code, or it was stopped. */
	readonly closed: Promise<void>;
	stop(): Promise<void>;
}

/** Whether a window can be shown here. */
export function hasDisplay(): boolean {
	const isRemoteShell = process.env.SSH_CONNECTION !== undefined;
	return process.platform === 'linux' ? Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY) : !isRemoteShell;
}

/** The program of an installed desktop VS Code (not its command line script), or undefined. */
export function findDesktop(): string | undefined {
	return candidates().find((file) => existsSync(file));
}

/** Starts VS Code; the first time without an installed one it is downloaded. */
export async function startDesktop(options: DesktopOptions): Promise<Desktop> {
	if (!hasDisplay()) {
		throw new Error('There is no display for a desktop VS Code. Use the server instead: npm start -- --server');
	}
	const program = findDesktop() ?? (await fetchDesktop());
	const dataDir = path.join(options.folder, 'desktop-data');
	const extensionsDir = path.join(options.folder, 'desktop-extensions');
	const settingsPath = path.join(dataDir, 'User', 'settings.json');
	await mkdir(path.dirname(settingsPath), { recursive: true });
	await writeFile(settingsPath, `${JSON.stringify({ ...FIRST_START, ...options.settings }, undefined, '\t')}\n`);
	const folders = [`--user-data-dir=${dataDir}`, `--extensions-dir=${extensionsDir}`];
	const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
	const id = randomUUID();
	const env = { ...cleanEnvironment(), AGENT_AUTH_DEMO_RUN: id };

	const [cli = program, ...cliArgs] = resolveCliArgsFromVSCodeExecutablePath(program, {
		reuseMachineInstall: true,
	});
	const install = options.vsixPaths.flatMap((vsix) => ['--install-extension', vsix]);
	await withProgress('installing the extensions into VS Code', () =>
		mustRun(cli, [...cliArgs, ...asRoot, ...folders, ...install, '--force'], {
			env,
			shell: process.platform === 'win32',
		}),
	);

	const args = [...asRoot, ...folders, '--disable-workspace-trust', '--new-window', options.workspace];
	const child = spawn(program, args, { env, stdio: 'ignore' });
	const pid = await new Promise<number>((resolve, reject) => {
		child.once('spawn', () => resolve(child.pid ?? 0));
		child.once('error', reject);
	});
	const marker = `AGENT_AUTH_DEMO_RUN=${id}`;
	const atExit = killTreeAtExit(pid, marker);
	return {
		pid,
		closed: new Promise((resolve) => child.once('exit', () => resolve())),
		stop: async () => {
			await endProcessTree([pid], marker);
			atExit.dispose();
		},
	};
}

const FIRST_START = {
	'telemetry.telemetryLevel': 'off',
	'update.mode': 'none',
	'workbench.startupEditor': 'readme',
	'workbench.welcomePage.walkthroughs.openOnInstall': false,
};

async function fetchDesktop(): Promise<string> {
	const cachePath = path.join(cacheFolder(), 'vscode-desktop');
	await mkdir(cachePath, { recursive: true });
	try {
		return await withProgress('fetching the desktop VS Code', () => downloadAndUnzipVSCode({ cachePath }));
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		throw new Error(`The desktop VS Code could not be fetched (${reason}). Install it, or use: npm start -- --server`, {
			cause: error,
		});
	}
}

/** Inside a terminal of VS Code these would make the new one speak to the old one. */
function cleanEnvironment(): NodeJS.ProcessEnv {
	const isOurs = ([name]: readonly [string, unknown]): boolean => !/^(VSCODE_|ELECTRON_)/.test(name);
	return Object.fromEntries(Object.entries(process.env).filter(isOurs));
}

function candidates(): string[] {
	switch (process.platform) {
		case 'darwin':
			return ['/Applications', path.join(process.env.HOME ?? '', 'Applications')].flatMap((folder) =>
				['Visual Studio Code', 'Visual Studio Code - Insiders'].flatMap((name) => {
					const programs = path.join(folder, `${name}.app`, 'Contents', 'MacOS');
					return existsSync(programs) ? readdirSync(programs).map((file) => path.join(programs, file)) : [];
				}),
			);
		case 'win32':
			return [path.join(process.env.LOCALAPPDATA ?? '', 'Programs'), process.env.ProgramFiles ?? ''].flatMap(
				(folder) => [
					path.join(folder, 'Microsoft VS Code', 'Code.exe'),
					path.join(folder, 'Microsoft VS Code Insiders', 'Code - Insiders.exe'),
				],
			);
		default:
			return [
				...['code', 'code-insiders'].flatMap((name) => {
					const script = findInPath(name);
					// The script lies in `bin` beside the program of the same name.
					return script === undefined ? [] : [path.join(path.dirname(path.dirname(realpathSync(script))), name)];
				}),
				'/usr/share/code/code',
				'/snap/code/current/usr/share/code/code',
			];
	}
}
