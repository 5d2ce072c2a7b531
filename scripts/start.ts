/**
 * `npm start`: builds and packages, starts the demo OAuth service and a real VS Code with the extension installed and
 * the service configured, and takes everything down again on Ctrl-C.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startServer } from '../test/server/server.ts';
import { startVscodeServer } from '../test/support/vscodeServer.ts';
import { demoSettings } from './demoSettings.ts';
import { findDesktop, hasDisplay, startDesktop } from './desktop.ts';
import { openInBrowser } from './openInBrowser.ts';
import { packageAll } from './package.ts';
import { freePort } from './ports.ts';
import { withProgress } from './progress.ts';

/** Taken when free, so that addresses stay the same from start to start; from the range nobody has registered. */
const VSCODE_PORT = 49_620;
const SERVICE_PORT = 49_621;

const USAGE = `npm start -- [options]
  --desktop         desktop VS Code; fetched when none is installed
  --server          VS Code server in the browser (Linux on x64)
  --token-life S    seconds an access token of the demo service lives (default 60)
  --profile FOLDER  keep the VS Code profile there, and start with it again next time
  --no-open         only print the address of the VS Code server`;

/** Short, so that refreshes can be watched. */
const DEFAULT_TOKEN_LIFE_S = 60;

/** A terminal's Ctrl-C arrives by two ways within milliseconds; a person who insists takes longer. */
const INSIST_AFTER_MS = 1_000;

type Undo = () => Promise<void>;

await main();

async function main(): Promise<void> {
	const options = readArguments();
	if (typeof options === 'string') {
		console.log(options);
		process.exitCode = options === USAGE ? 0 : 2;
		return;
	}
	const end = endRequest();
	const undo: Undo[] = [];
	try {
		await Promise.race([run(options, undo, end), end.requested]);
		await end.requested;
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 1;
	} finally {
		await takeDown(undo);
		// What was interrupted midway, such as an installation, is not waited for.
		process.exit();
	}
}

/** Undoes in reverse; a step that fails does not keep the others from their turn. */
async function takeDown(undo: readonly Undo[]): Promise<void> {
	console.log('\nEnding …');
	for (const step of undo.toReversed()) {
		try {
			await step();
		} catch (error) {
			console.error(error);
			process.exitCode = 1;
		}
	}
	console.log('Ended.');
}

async function run(options: Options, undo: Undo[], end: EndRequest): Promise<void> {
	const vsixPaths = await withProgress('building and packaging', packageAll);
	if (end.isRequested()) {
		return;
	}
	const service = await startServer({
		port: await freePort(SERVICE_PORT),
		accessTokenLifeS: options.tokenLifeS,
	});
	undo.push(() => service.close());
	const folder = options.profile ?? (await mkdtemp(path.join(os.tmpdir(), 'agent-auth-start-')));
	if (options.profile === undefined) {
		undo.push(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
	}
	const workspace = path.join(folder, 'workspace');
	await mkdir(workspace, { recursive: true });
	await writeFile(path.join(workspace, 'README.md'), welcome(service.issuer));
	const settings = demoSettings(service);

	if (await wantsDesktop(options)) {
		const desktop = await startDesktop({ folder, workspace, vsixPaths, settings });
		undo.push(() => desktop.stop());
		void desktop.closed.then(end.request);
		console.log(`\nVS Code is open with the demo service at ${service.issuer}.`);
	} else {
		const server = await withProgress('starting the VS Code server', async () =>
			startVscodeServer({ vsixPaths, settings, folder, port: await freePort(VSCODE_PORT) }),
		);
		undo.push(() => server.stop());
		const address = `${server.url}/?folder=${encodeURIComponent(workspace)}`;
		const opened = options.open && hasDisplay() && (await openInBrowser(address));
		console.log(`\nVS Code ${opened ? 'is open in the browser' : 'waits'} at ${address}`);
		console.log(`The demo service is at ${service.issuer}.`);
	}
	console.log(`Access tokens live ${options.tokenLifeS} s. Try "Demo Consumer: Who am I?" in the command palette.`);
	console.log('Ctrl-C ends everything.');
}

interface Options {
	readonly host: 'desktop' | 'server' | 'either';
	readonly tokenLifeS: number;
	readonly profile: string | undefined;
	readonly open: boolean;
}

/** A string is the usage, with what is wrong. */
function readArguments(): Options | string {
	try {
		const { values } = parseArgs({
			options: {
				desktop: { type: 'boolean', default: false },
				server: { type: 'boolean', default: false },
				'token-life': { type: 'string', default: String(DEFAULT_TOKEN_LIFE_S) },
				profile: { type: 'string' },
				'no-open': { type: 'boolean', default: false },
				help: { type: 'boolean', default: false },
			},
		});
		if (values.help) {
			return USAGE;
		}
		const tokenLifeS = Number(values['token-life']);
		if (!(tokenLifeS > 0) || (values.desktop && values.server)) {
			throw new Error('Choose one of --desktop and --server, and a token life above 0.');
		}
		return {
			host: values.desktop ? 'desktop' : values.server ? 'server' : 'either',
			tokenLifeS,
			profile: values.profile === undefined ? undefined : path.resolve(values.profile),
			open: !values['no-open'],
		};
	} catch (error) {
		return `${error instanceof Error ? error.message : error}\n${USAGE}`;
	}
}

async function wantsDesktop({ host }: Options): Promise<boolean> {
	return host === 'either' ? hasDisplay() && findDesktop() !== undefined : host === 'desktop';
}

interface EndRequest {
	readonly requested: Promise<void>;
	isRequested(): boolean;
	request(): void;
}

/** The first signal asks for the end; one more, after a moment, does not wait for it. */
function endRequest(): EndRequest {
	let requestedMs: number | undefined;
	let resolveRequested: () => void = () => undefined;
	const requested = new Promise<void>((resolve) => {
		resolveRequested = resolve;
	});
	const request = (): void => {
		requestedMs ??= performance.now();
		resolveRequested();
	};
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
		process.on(signal, () => {
			if (requestedMs !== undefined && performance.now() - requestedMs > INSIST_AFTER_MS) {
				process.exit(1);
			}
			request();
		});
	}
	return { requested, isRequested: () => requestedMs !== undefined, request };
}

function welcome(issuer: string): string {
	return `# Try Agent Auth

1. Run **Demo Consumer: Who am I?** from the command palette and allow the sign-in.
2. Sign in on the page of the demo service (${issuer}) as Ada or Grace.
3. Look into the Accounts menu at the lower left, and into the Agent Auth view.
4. Open a terminal and run \`agent-auth token demo\`.
5. Open a second window: it is signed in as well.
`;
}
