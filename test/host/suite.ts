/**
 * What holds in every VS Code right after the start, with nobody signed in. Runs inside the extension host, beside the
 * installed extension; `extensionHost.test.ts` brings it into the VS Code server, `scripts/desktopTest.ts` into the desktop.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import * as vscode from 'vscode';
import { hostSuite } from '../support/hostSuite.ts';
import { until } from '../support/until.ts';
import { PROVIDER_ID } from './hostSettings.ts';

const AUTHENTICATION_ID = `agent-auth.${PROVIDER_ID}`;

/** A consumer asks in the middle of its own work. */
const SILENT_LIMIT_MS = 1_000;

/** Begins the line with the activation times, which are measured here and judged by whoever reads them. */
export const ACTIVATION_MARK = 'agent-auth-activation:';

const manifestSchema = v.object({
	contributes: v.object({
		commands: v.array(v.object({ command: v.string() })),
		views: v.record(v.string(), v.array(v.object({ id: v.string() }))),
	}),
});

const descriptorSchema = v.object({ secret: v.string() });

const marksSchema = v.object({ getMarks: v.function() });
const markListSchema = v.array(v.object({ name: v.string(), startTime: v.number() }));

export const run = hostSuite({
	'the extension is installed and activates by itself': async () => {
		await until('the extension is active', () => extension().isActive);
	},

	'its API has a version and gives no token': async () => {
		const api: unknown = await extension().activate();
		assert.ok(typeof api === 'object' && api !== null);
		assert.deepEqual(Object.keys(api).sort(), ['hold', 'report', 'version']);
	},

	'every command of package.json is registered': async () => {
		const registered = new Set(await vscode.commands.getCommands(true));
		const missing = manifest().contributes.commands.filter(({ command }) => !registered.has(command));
		assert.deepEqual(missing, []);
	},

	'every view of package.json is there': async () => {
		const registered = new Set(await vscode.commands.getCommands(true));
		for (const [container, views] of Object.entries(manifest().contributes.views)) {
			assert.ok(registered.has(`workbench.view.extension.${container}`), container);
			for (const { id } of views) assert.ok(registered.has(`${id}.focus`), id);
		}
	},

	'a configured service is an authentication provider without accounts, and another id is none': async () => {
		assert.deepEqual(await vscode.authentication.getAccounts(AUTHENTICATION_ID), []);
		await assert.rejects(async () => vscode.authentication.getAccounts('agent-auth.absent'));
	},

	'a silent request is answered with nothing at once while nobody is signed in': async () => {
		for (const scopes of [['profile'], []]) {
			const startedMs = performance.now();
			const session = await vscode.authentication.getSession(AUTHENTICATION_ID, scopes, { silent: true });
			const tookMs = performance.now() - startedMs;
			assert.equal(session, undefined);
			assert.ok(tookMs < SILENT_LIMIT_MS, `${Math.round(tookMs)} ms`);
		}
	},

	'a terminal has the helper on its PATH, the folder of the windows, and no secret': async () => {
		const environment = await terminalEnvironment();
		const runFolder = environment.AGENT_AUTH_RUN ?? '';
		const binFolder = path.join(path.dirname(runFolder), 'bin');
		assert.equal(path.basename(runFolder), 'run');
		assert.equal(pathOf(environment).split(path.delimiter)[0], binFolder);
		const text = JSON.stringify(environment);
		const secrets = await secretsIn(runFolder);
		assert.ok(secrets.length > 0, 'this window has announced itself');
		for (const secret of secrets) assert.equal(text.includes(secret), false);
		const ours = Object.keys(environment).filter((name) => /AGENT_AUTH/i.test(name));
		assert.deepEqual(
			ours.filter((name) => !name.startsWith('AGENT_AUTH_TEST_')),
			['AGENT_AUTH_RUN'],
		);
	},

	'with the setting off a new terminal has nothing of it; on again, it is there again': async () => {
		const settings = vscode.workspace.getConfiguration('agentAuth.terminal');
		const isThere = async (): Promise<boolean> => {
			const environment = await terminalEnvironment();
			const hasFolder = pathOf(environment).includes(path.join('agent-auth.agent-auth', 'bin'));
			assert.equal(environment.AGENT_AUTH_RUN !== undefined, hasFolder);
			return hasFolder;
		};
		assert.equal(await isThere(), true);
		await settings.update('enabled', false, vscode.ConfigurationTarget.Global);
		try {
			assert.equal(await isThere(), false);
		} finally {
			await settings.update('enabled', undefined, vscode.ConfigurationTarget.Global);
		}
		assert.equal(await isThere(), true);
	},

	'the helper finds this window': async () => {
		const environment = await terminalEnvironment();
		const isWindows = process.platform === 'win32';
		const helper = path.join(path.dirname(environment.AGENT_AUTH_RUN ?? ''), 'bin', 'agent-auth');
		const { stdout } = isWindows
			? await promisify(execFile)(`"${helper}.cmd"`, ['providers'], { env: environment, shell: true })
			: await promisify(execFile)(helper, ['providers'], { env: environment });
		const [first, ...editor] = stdout.split('\n');
		assert.equal(first, `${PROVIDER_ID}\tsignedOut\tAcme`);
		assert.deepEqual(
			editor.map((line) => line.split('\t').slice(0, 2).join(' ')),
			['github editor', 'microsoft editor', ''],
		);
	},

	'a terminal that the settings allow is told that the editor has no session, and nobody is asked': async () => {
		// On Windows only the parent of the helper is known, and here that is not the terminal itself.
		if (process.platform === 'win32') return;
		const { AGENT_AUTH_RUN } = await terminalEnvironment();
		const helper = path.join(path.dirname(AGENT_AUTH_RUN ?? ''), 'bin', 'agent-auth');
		const told = await inTerminal(
			`const run = require('child_process').spawnSync(${JSON.stringify(helper)}, ['token', 'github'], { encoding: 'utf8' });
const answer = { status: run.status, stdout: run.stdout, stderr: run.stderr };`,
			'answer',
		);
		const answer = v.parse(v.object({ status: v.number(), stdout: v.string(), stderr: v.string() }), told);
		assert.deepEqual([answer.status, answer.stdout], [3, ''], answer.stderr);
	},

	'the marks of the extension host tell how long loading and activation took': () => {
		const times = activationTimes();
		assert.ok(times.loadMs >= 0 && times.activateMs >= 0, JSON.stringify(times));
		console.log(`${ACTIVATION_MARK}load ${times.loadMs.toFixed(1)} ms, activate ${times.activateMs.toFixed(1)} ms`);
	},
});

function extension(): vscode.Extension<unknown> {
	return vscode.extensions.getExtension('agent-auth.agent-auth') ?? assert.fail('not installed');
}

function manifest(): v.InferOutput<typeof manifestSchema> {
	return v.parse(manifestSchema, extension().packageJSON);
}

/** The environment of a new terminal, as a program in it sees it: VS Code's own Node writes it into a file. */
async function terminalEnvironment(): Promise<Record<string, string>> {
	return v.parse(v.record(v.string(), v.string()), await inTerminal('', 'process.env'));
}

/** What `expression` is after `program` ran in a new terminal, in VS Code's own Node. */
async function inTerminal(program: string, expression: string): Promise<unknown> {
	const folder = await mkdtemp(path.join(tmpdir(), 'agent-auth-suite-'));
	const script = path.join(folder, 'environment.cjs');
	const target = path.join(folder, 'environment.json');
	await writeFile(
		script,
		`const fs = require('fs');
${program}
fs.writeFileSync(process.argv[2] + '.new', JSON.stringify(${expression}));
fs.renameSync(process.argv[2] + '.new', process.argv[2]);
setInterval(() => {}, 1000);`,
	);
	const terminal = vscode.window.createTerminal({
		name: 'environment',
		shellPath: process.execPath,
		shellArgs: [script, target],
		env: { ELECTRON_RUN_AS_NODE: '1' },
	});
	try {
		const text = await until('the terminal has told its environment', () => textOf(target));
		return JSON.parse(text);
	} finally {
		terminal.dispose();
		await rm(folder, { recursive: true, force: true, maxRetries: 3 });
	}
}

async function textOf(file: string): Promise<string | undefined> {
	try {
		return await readFile(file, 'utf8');
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
		throw error;
	}
}

/** Windows writes `Path`. */
function pathOf(environment: Record<string, string>): string {
	return Object.entries(environment).find(([name]) => name.toUpperCase() === 'PATH')?.[1] ?? '';
}

/** What opens the sockets of the windows that have announced themselves. */
async function secretsIn(runFolder: string): Promise<string[]> {
	const files = await until('a window has announced itself', async () => {
		const names = (await readdir(runFolder)).filter((name) => name.endsWith('.json'));
		return names.length > 0 ? names : undefined;
	});
	const texts = await Promise.all(files.map((file) => readFile(path.join(runFolder, file), 'utf8')));
	return texts.map((text) => v.parse(descriptorSchema, JSON.parse(text)).secret);
}

/** From the host's own marks. They are internal to VS Code, and the only ones there are. */
function activationTimes(): { readonly loadMs: number; readonly activateMs: number } {
	const { getMarks } = v.parse(marksSchema, Reflect.get(globalThis, 'MonacoPerformanceMarks'));
	const marks = v.parse(markListSchema, getMarks());
	const at = (name: string): number =>
		marks.find((mark) => mark.name === `code/extHost/${name}/agent-auth.agent-auth`)?.startTime ?? Number.NaN;
	return {
		loadMs: at('didLoadExtensionCode') - at('willLoadExtensionCode'),
		activateMs: at('didActivateExtension') - at('willActivateExtension'),
	};
}
