/**
 * A person's home in a folder of the test, a whole service with somebody signed in, and a window that terminals can ask:
 * tools are connected there by the connector that is shipped, and run as the person would run them.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from '../../scripts/build.ts';
import { type Clock, systemClock } from '../../src/auth/clock.ts';
import { createConnector } from '../../src/auth/connect/connector.ts';
import { nodeToolDisk } from '../../src/auth/connect/nodeToolDisk.ts';
import type { Choice, Tool, ToolId } from '../../src/auth/connect/tools.ts';
import { createOAuthDeps } from '../../src/auth/oauth/deps.ts';
import type { Provider, TerminalUse } from '../../src/auth/provider.ts';
import { createTerminalAccess } from '../../src/auth/terminal/terminalAccess.ts';
import { startServer } from '../server/server.ts';
import { environments, watchArguments } from '../support/leakSearch.ts';
import { assertNoSecret, filesOf } from '../support/secretSearch.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi } from '../support/serviceWindow.ts';
import { collectingLogger } from '../support/terminalFakes.ts';
import { watchStrayRequests } from './strayRequests.ts';
import { toolProgram, versionOf } from './toolPrograms.ts';

export type Run = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

export type Account =
	| { readonly kind: 'signedIn' }
	/** A secret that the person pasted. */
	| { readonly kind: 'key'; readonly key: string };

export type WorkplaceOptions = {
	readonly tool: ToolId;
	readonly use?: TerminalUse;
	readonly account?: Account;
	/** Variables of every run. */
	readonly env?: Readonly<Record<string, string>>;
	/** The tool knows only variables, so that the token is in its environment, as it says in the manual. */
	readonly tokenInEnvironment?: boolean;
};

/** The longest that a tool may take; a run is some seconds. */
const RUN_LIMIT_MS = 120_000;

export async function openWorkplace(t: TestContext, options: WorkplaceOptions) {
	const root = await mkdtemp(path.join(tmpdir(), 'aa-tools-'));
	t.after(() => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
	const home = path.join(root, 'home');
	// With a blank, as it is on macOS.
	const storage = path.join(root, 'Application Support');
	const work = path.join(home, 'work');
	for (const folder of [work, path.join(root, 'tmp')]) await mkdir(folder, { recursive: true });
	const helperBundlePath = path.join(root, 'helper.cjs');
	await build({
		...bundleOptions('package'),
		entryPoints: [path.join(ROOT, 'src/auth/terminal/helper.ts')],
		outfile: helperBundlePath,
	});

	let passedMs = 0;
	const clock: Clock = { ...systemClock, now: () => Date.now() + passedMs };
	const log = collectingLogger();
	const server = await startServer();
	t.after(() => server.close());
	const account = options.account ?? { kind: 'signedIn' };
	const provider: Provider =
		account.kind === 'key'
			? { id: 'acme', label: 'Acme', kind: 'apiKey', ...options.use }
			: { ...demoProvider(server.issuer), id: 'acme', ...options.use };
	const { service } = openWindow(storage, createSharedKeys(), [provider], {
		clock,
		oauth: createOAuthDeps({ fetch, clock, log }),
	});
	t.after(() => service.dispose());
	const bucket =
		account.kind === 'key'
			? await service.addApiKey({ providerId: 'acme', key: account.key, name: 'work' })
			: await service.signIn({ providerId: 'acme', ui: scriptedUi({ person: 'ada' }) });
	const asked: string[] = [];
	const access = createTerminalAccess({
		...{ service, globalStoragePath: storage, helperBundlePath, log, clock, version: 'test' },
		ask: async ({ consumer }) => {
			asked.push(consumer.kind);
			return 'session';
		},
		confirmKey: async () => false,
		policy: () => 'ask',
		workspace: () => undefined,
		// This process is the shell that tools are started from.
		terminals: async () => [{ pid: process.pid, name: 'terminal' }],
		isTrusted: () => true,
		workspaceFolders: () => [work],
	});
	t.after(() => access.dispose());
	await access.started;

	const connector = createConnector({
		...{ disk: nodeToolDisk, clock: systemClock, places: { homeFolder: home, env: {} } },
		launch: { binFolder: access.folders.bin, platform: process.platform },
		owner: path.join(home, '.vscode', 'extensions'),
	});
	const stray = await watchStrayRequests(t);
	const program = await toolProgram(options.tool);
	t.diagnostic(`version ${await versionOf(options.tool, home)}`);
	const argumentWatch = watchArguments();
	t.after(() => argumentWatch.stop());
	/** Every token that our account had. */
	const tokens = new Set<string>();
	const seenEnvironments: string[] = [];

	const token = async (): Promise<string> => {
		const request = { providerId: 'acme', deadlineMs: 20_000, purpose: 'test' };
		const { value } = (await service.getToken(request)).token;
		tokens.add(value);
		return value;
	};
	const start = async (command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Run> => {
		const child = spawn(command, args, {
			...{ cwd: work, stdio: ['ignore', 'pipe', 'pipe'] },
			env: {
				...{
					PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
					HOME: home,
					TMPDIR: path.join(root, 'tmp'),
				},
				...{ LANG: 'C.UTF-8', TERM: 'dumb', ...stray.env, ...options.env, ...env },
			},
		});
		const limit = setTimeout(() => child.kill('SIGKILL'), RUN_LIMIT_MS);
		let [stdout, stderr] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text: string) => {
			stdout += text;
		});
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			stderr += text;
		});
		const [status] = await once(child, 'close');
		clearTimeout(limit);
		return { status, stdout, stderr };
	};

	return {
		...{ root, home, work, service, server, stray, asked, token },
		/** A file below the home. */
		write: async (file: string, text: string) => {
			await mkdir(path.dirname(path.join(home, file)), { recursive: true });
			await writeFile(path.join(home, file), text);
		},
		read: (file: string) => readFile(path.join(home, file), 'utf8'),
		/** As the person does it: plan, see, apply. */
		async connect(choice: Choice = { name: '' }): Promise<string> {
			const plan = await connector.plan(toolOf(connector.tools, options.tool), 'acme', choice);
			await connector.apply(plan);
			assert.equal(await readFile(plan.file, 'utf8'), plan.after);
			return plan.after;
		},
		/** Takes the connection back. */
		async disconnect(): Promise<void> {
			for (const connection of await connector.connections())
				await connector.undo(await connector.planUndo(connection));
		},
		/** A new token, as after a report of a refused one or shortly before the old one ends. */
		async rotate(): Promise<string> {
			const before = await token();
			await service.refresh('acme', bucket.id);
			const after = await token();
			assert.notEqual(after, before);
			return after;
		},
		/** Another secret in the place of the one that was pasted. */
		async replaceKey(key: string): Promise<void> {
			await service.addApiKey({ providerId: 'acme', key, name: 'work', bucketId: bucket.id });
			assert.equal(await token(), key);
		},
		/** Time passes for the window's tokens. */
		pass(ms: number) {
			passedMs += ms;
		},
		run: (args: readonly string[], env?: Record<string, string>) =>
			start(program.command, [...program.args, ...args], env),
		/** The tool under `agent-auth exec`. */
		runByExec: (args: readonly string[], env?: Record<string, string>) =>
			start(
				path.join(access.folders.bin, 'agent-auth'),
				['exec', 'acme', '--', program.command, ...program.args, ...args],
				env,
			),
		/** To be called while the tool waits for an answer: which programs run, and with what. */
		look() {
			argumentWatch.look();
			for (const { environment } of environments()) seenEnvironments.push(environment);
		},
		/** No token that our account ever had is in a file of the home, an argument or an environment. */
		async assertNothingKept(secrets: readonly string[] = [...tokens]): Promise<void> {
			const { names, contents } = await filesOf(home);
			assertNoSecret(secrets, [...names, ...contents], 'files of the home');
			assertNoSecret(secrets, (await filesOf(path.join(root, 'tmp'))).contents, 'temporary files');
			assert.ok(seenEnvironments.length > 0, 'nobody looked at the environments');
			assertNoSecret(secrets, argumentWatch.seen(), 'arguments');
			if (!options.tokenInEnvironment) assertNoSecret(secrets, seenEnvironments, 'environments');
			t.diagnostic(`asked for elsewhere: ${stray.hosts().join(', ') || 'nothing'}`);
		},
	};
}

export type Workplace = Awaited<ReturnType<typeof openWorkplace>>;

function toolOf(tools: readonly Tool[], id: ToolId): Tool {
	const tool = tools.find((candidate) => candidate.id === id);
	if (tool === undefined) throw new Error(`no tool ${id}`);
	return tool;
}
