/**
 * A VS Code server of its own for one test: real workbench, extension host and terminals, with profile, extensions and
 * home in a folder that nobody else uses. Stopping it ends everything it started, orphaned extension hosts included.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants, existsSync, rmSync } from 'node:fs';
import { access, chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endProcessTree, killTreeAtExit } from '../../scripts/processTree.ts';
import { mustRun } from '../../scripts/progress.ts';
import { ensureVscodeServer, type VscodeServer } from '../../scripts/vscodeHost.ts';

export interface VscodeServerOptions {
	/** Extensions to install; absolute paths. */
	readonly vsixPaths: readonly string[];
	/** User settings, on top of those that keep the workbench quiet. */
	readonly settings?: Readonly<Record<string, unknown>>;
	/** Added to the environment of the server, its extension hosts and its terminals. */
	readonly extraEnv?: Readonly<Record<string, string>>;
	/** Lets `runInHost` run test modules. In this mode dialogs never show. */
	readonly smokeTestDriver?: boolean;
	/** Folders start in Restricted Mode until somebody trusts them. */
	readonly workspaceTrust?: boolean;
	/** A browser profile belongs to host and port, so a second start of the same profile needs the same port. */
	readonly port?: number;
	/** Profile to start again with; it is kept when the server stops. Without it a new one is made and removed. */
	readonly folder?: string;
	/** Runs the server as another user, to whom file modes apply. Needs root. */
	readonly uid?: number;
}

export interface RunningVscodeServer {
	/** `http://127.0.0.1:PORT` */
	readonly url: string;
	readonly port: number;
	readonly pid: number;
	/** Holds everything below. */
	readonly folder: string;
	/** VS Code's user data folder. */
	readonly dataDir: string;
	readonly extensionsDir: string;
	readonly homeDir: string;
	/** An empty folder to open. */
	readonly workspace: string;
	readonly settingsPath: string;
	readonly logsDir: string;
	/** `context.globalStorageUri` of an extension; it exists once the extension has made it. */
	globalStorage(extensionId: string): string;
	/** Everything the server printed. */
	output(): string;
	stop(): Promise<void>;
}

/** Starting takes two seconds on an idle machine. */
const START_DEADLINE_MS = 90_000;

const CHECK_EVERY_MS = 50;

/** Nothing pops up, nothing goes to the network, and terminals draw text that a test can read. */
const QUIET_SETTINGS = {
	'chat.disableAIFeatures': true,
	'extensions.autoCheckUpdates': false,
	'extensions.autoUpdate': false,
	'extensions.ignoreRecommendations': true,
	'git.enabled': false,
	'telemetry.telemetryLevel': 'off',
	'terminal.integrated.gpuAcceleration': 'off',
	'terminal.integrated.shellIntegration.enabled': false,
	'update.mode': 'none',
	'workbench.enableExperiments': false,
	'workbench.secondarySideBar.defaultVisibility': 'hidden',
	'workbench.startupEditor': 'none',
	'workbench.tips.enabled': false,
	'workbench.welcomePage.walkthroughs.openOnInstall': false,
};

export async function startVscodeServer(options: VscodeServerOptions): Promise<RunningVscodeServer> {
	const folder = options.folder ?? (await mkdtemp(path.join(os.tmpdir(), 'agent-auth-vscode-')));
	try {
		return await startIn(folder, options);
	} catch (error) {
		if (options.folder === undefined) {
			await rm(folder, { recursive: true, force: true });
		}
		throw error;
	}
}

async function startIn(folder: string, options: VscodeServerOptions): Promise<RunningVscodeServer> {
	const paths = {
		dataDir: path.join(folder, 'data'),
		extensionsDir: path.join(folder, 'extensions'),
		homeDir: path.join(folder, 'home'),
		workspace: path.join(folder, 'workspace'),
		settingsPath: path.join(folder, 'data', 'User', 'settings.json'),
		logsDir: path.join(folder, 'data', 'logs'),
	};
	const server = await readableBy(await ensureVscodeServer(), folder, options.uid);
	const id = randomUUID();
	const marker = `AGENT_AUTH_TEST_RUN=${id}`;
	const env = environment(folder, paths.homeDir, server, { ...options.extraEnv, AGENT_AUTH_TEST_RUN: id });
	for (const name of ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME', 'TMPDIR']) {
		await mkdir(env[name] ?? folder, { recursive: true });
	}
	await mkdir(env.XDG_RUNTIME_DIR ?? folder, { recursive: true, mode: 0o700 });
	await mkdir(paths.workspace, { recursive: true });
	await writeSettings(paths.settingsPath, options.settings ?? {});
	const entry = path.join(server.root, 'out', 'node', 'entry.js');
	const folders = ['--user-data-dir', paths.dataDir, '--extensions-dir', paths.extensionsDir];
	const vsixes = await copyInto(path.join(folder, 'vsix'), options.vsixPaths);
	const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
	if (options.uid !== undefined) {
		await giveTo(folder, options.uid);
	}
	if (vsixes.length > 0) {
		const install = vsixes.flatMap((vsix) => ['--install-extension', vsix]);
		await mustRun(server.node, [entry, ...folders, ...install, '--force'], { cwd: folder, env, ...identity });
	}

	const args = ['--auth', 'none', '--bind-addr', `127.0.0.1:${options.port ?? 0}`, ...folders];
	args.push('--disable-telemetry', '--disable-update-check', '--disable-getting-started-override');
	if (options.workspaceTrust !== true) {
		args.push('--disable-workspace-trust');
	}
	if (options.smokeTestDriver === true) {
		args.push('--vscode-option', 'enable-smoke-test-driver');
	}
	const child = spawn(server.node, [entry, ...args], {
		cwd: folder,
		env,
		...identity,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let output = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => {
			output += text;
		});
	}
	let failure: string | undefined;
	child.on('error', (error) => {
		failure = error.message;
	});
	child.on('exit', (code, signal) => {
		failure ??= `ended with ${code ?? signal}`;
	});
	const pid = child.pid;
	if (pid === undefined) {
		throw new Error(`the VS Code server did not start with ${server.node}`);
	}
	const atExit = killTreeAtExit(pid, marker);
	const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
	if (options.folder === undefined) {
		process.once('exit', remove);
	}
	const stop = async (): Promise<void> => {
		await endProcessTree([pid], marker);
		atExit.dispose();
		process.off('exit', remove);
		if (options.folder === undefined) {
			await rm(folder, { recursive: true, force: true, maxRetries: 3 });
		}
	};
	try {
		const port = await waitForPort(
			() => output,
			() => failure,
		);
		return {
			url: `http://127.0.0.1:${port}`,
			port,
			pid,
			folder,
			...paths,
			globalStorage: (extensionId) => path.join(paths.dataDir, 'User', 'globalStorage', extensionId.toLowerCase()),
			output: () => output,
			stop,
		};
	} catch (error) {
		await stop();
		throw error;
	}
}

/** Writes user settings; a running window takes them over by itself. */
export async function writeSettings(settingsPath: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
	await mkdir(path.dirname(settingsPath), { recursive: true });
	const all = { ...QUIET_SETTINGS, ...settings };
	// In one step, because VS Code may be reading.
	await writeFile(`${settingsPath}.new`, `${JSON.stringify(all, undefined, '\t')}\n`);
	await rename(`${settingsPath}.new`, settingsPath);
}

async function waitForPort(output: () => string, failure: () => string | undefined): Promise<number> {
	const endMs = performance.now() + START_DEADLINE_MS;
	let last: unknown;
	while (performance.now() < endMs && failure() === undefined) {
		const port = /HTTP server listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1];
		if (port !== undefined) {
			try {
				const response = await fetch(`http://127.0.0.1:${port}/healthz`);
				if (response.ok) {
					return Number(port);
				}
			} catch (error) {
				last = error;
			}
		}
		await delay(CHECK_EVERY_MS);
	}
	throw new Error(`the VS Code server did not answer: ${failure() ?? 'too late'}\n${output()}`, { cause: last });
}

/** Nothing of the developer's own environment comes along but what programs need to run at all. */
function environment(
	folder: string,
	homeDir: string,
	server: VscodeServer,
	extra: Readonly<Record<string, string>>,
): Record<string, string> {
	return {
		PATH: `${path.dirname(server.node)}${path.delimiter}${process.env.PATH ?? ''}`,
		LANG: 'C.UTF-8',
		SHELL: '/bin/bash',
		TERM: 'xterm-256color',
		HOME: homeDir,
		XDG_CONFIG_HOME: path.join(homeDir, '.config'),
		XDG_DATA_HOME: path.join(homeDir, '.local', 'share'),
		XDG_CACHE_HOME: path.join(homeDir, '.cache'),
		XDG_STATE_HOME: path.join(homeDir, '.local', 'state'),
		XDG_RUNTIME_DIR: path.join(folder, 'run'),
		TMPDIR: path.join(folder, 'tmp'),
		// No gallery: an installed extension is never looked up or updated.
		EXTENSIONS_GALLERY: '{"serviceUrl":""}',
		...extra,
	};
}

async function copyInto(folder: string, files: readonly string[]): Promise<string[]> {
	await mkdir(folder, { recursive: true });
	return Promise.all(
		files.map(async (file, index) => {
			const copy = path.join(folder, `${index}-${path.basename(file)}`);
			await cp(file, copy);
			return copy;
		}),
	);
}

/** Another user may be unable to enter our cache folder; then the server is linked into the test's folder. */
async function readableBy(server: VscodeServer, folder: string, uid: number | undefined): Promise<VscodeServer> {
	if (uid === undefined) {
		return server;
	}
	const whole = path.dirname(path.dirname(server.root));
	const copy = path.join(folder, 'server');
	await chmod(folder, 0o755);
	if (!existsSync(copy)) {
		await mustRun('cp', ['-al', whole, copy]).catch(() => mustRun('cp', ['-a', whole, copy]));
	}
	await chmod(copy, 0o755);
	const moved = (file: string): string => path.join(copy, path.relative(whole, file));
	await access(moved(server.node), constants.X_OK);
	return { root: moved(server.root), node: moved(server.node) };
}

/** Everything but the linked server, whose files are shared with the cache. */
async function giveTo(folder: string, uid: number): Promise<void> {
	for (const name of await readdir(folder)) {
		if (name !== 'server') {
			await mustRun('chown', ['-R', `${uid}:${uid}`, path.join(folder, name)]);
		}
	}
	await chown(folder, uid, uid);
}

/** The newest log file of the extension host whose name matches; empty when there is none yet. */
export async function readLogs(logsDir: string, name: RegExp): Promise<string> {
	const files = existsSync(logsDir) ? await readdir(logsDir, { recursive: true }) : [];
	const texts = files
		.filter((file) => name.test(file))
		.sort()
		.map((file) => readFile(path.join(logsDir, file), 'utf8'));
	return (await Promise.all(texts)).join('');
}
