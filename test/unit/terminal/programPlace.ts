/** The program that terminals run, as a process of its own, and windows that say what a test wants. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from '../../../scripts/build.ts';
import { systemClock } from '../../../src/auth/clock.ts';
import { selfIdentity } from '../../../src/auth/lease/processIdentity.ts';
import { type NewDescriptor, publishDescriptor } from '../../../src/auth/terminal/descriptor.ts';
import type { FinalReply, TerminalRequest } from '../../../src/auth/terminal/protocol.ts';
import { type Connection, listen } from '../../../src/auth/terminal/server.ts';
import { collectingLogger } from '../../support/terminalFakes.ts';

/** `script` makes the terminal, in the form that it has on Linux. */
export const HAS_TERMINAL = process.platform === 'linux';

export const ENDS_AT_MS = 1_900_000_000_000;
export const ENDS_AT = '2030-03-17T17:46:40.000Z';

export const TOKEN: FinalReply = { kind: 'token', accessToken: 'canary-token', expiresAtMs: ENDS_AT_MS };

const SECRET = 'ab'.repeat(32);
const HELPER = path.join(ROOT, 'src/auth/terminal/helper.ts');

let shared = '';
/** What a program in the folder of a test consists of. */
let code = '';

before(async () => {
	shared = fs.mkdtempSync(path.join(tmpdir(), 'aa-helper-'));
	const bundle = path.join(shared, 'helper.cjs');
	// What a bundle went through cannot be told by its sources' lines, so `npm run coverage` runs the sources themselves.
	const counts = process.env.NODE_V8_COVERAGE !== undefined;
	if (!counts) await build({ ...bundleOptions('package'), entryPoints: [HELPER], outfile: bundle });
	code = counts ? `import(${JSON.stringify(pathToFileURL(HELPER).href)});\n` : fs.readFileSync(bundle, 'utf8');
});

after(() => fs.rmSync(shared, { recursive: true, force: true }));

export type Output = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

export type Call = {
	/** On standard input; without it that is closed. */
	readonly input?: string;
	readonly env?: NodeJS.ProcessEnv;
	readonly cwd?: string;
};

export type Answer = (request: TerminalRequest, connection: Connection) => FinalReply | Promise<FinalReply>;

export function place(t: TestContext) {
	const root = fs.mkdtempSync(path.join(tmpdir(), 'aa-program-'));
	const [bin, run] = [path.join(root, 'bin'), path.join(root, 'run')];
	for (const folder of [bin, run]) fs.mkdirSync(folder, { mode: 0o700 });
	const program = path.join(bin, 'helper.cjs');
	fs.writeFileSync(program, code);
	let windows = 0;
	t.after(() => fs.rmSync(root, { recursive: true, force: true }));

	/** Announces a window that listens there. The one that was announced last is asked first. */
	const announce = async (socket: string, change: Partial<NewDescriptor> = {}): Promise<void> => {
		const publication = await publishDescriptor(run, {
			...{ process: await selfIdentity(), socket, secret: SECRET, workspaceFolders: [], nodePath: process.execPath },
			...{ helperPath: program, createdAtMs: ++windows },
			...change,
		});
		t.after(() => publication.dispose());
	};
	/** With the variables that `env` names and the folder of the windows, and no others. */
	const start = (args: readonly string[], { env = {}, cwd = root }: Omit<Call, 'input'> = {}) =>
		spawn(process.execPath, [program, ...args], {
			...{ cwd, stdio: ['pipe', 'pipe', 'pipe'], env: { AGENT_AUTH_RUN: run, ...env } },
		});
	/** In a terminal of its own, which shows standard output and standard error together. */
	const startAtTerminal = (args: readonly string[], { env = {}, cwd = root }: Omit<Call, 'input'> = {}) => {
		const words = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
		return spawn('script', ['-qec', `exec ${words.join(' ')}`, '/dev/null'], {
			...{ cwd, stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: '/usr/bin:/bin', AGENT_AUTH_RUN: run, ...env } },
		});
	};
	return {
		root,
		run,
		bin,
		program,
		announce,
		/** A window, with what it was asked. */
		async openWindow(answer: FinalReply | Answer, change: Partial<NewDescriptor> = {}): Promise<TerminalRequest[]> {
			const address = path.join(root, `s${windows}`);
			const asked: TerminalRequest[] = [];
			const server = await listen({
				...{ address, secret: SECRET, clock: systemClock, log: collectingLogger() },
				async handle(request, connection) {
					asked.push(request);
					return typeof answer === 'function' ? answer(request, connection) : answer;
				},
			});
			t.after(() => server.dispose());
			await announce(address, change);
			return asked;
		},
		/** A window that does with its connections what no window should. */
		async openStrange(serve: (socket: net.Socket) => void): Promise<void> {
			const address = path.join(root, `s${windows}`);
			const open = new Set<net.Socket>();
			const server = net.createServer((socket) => {
				open.add(socket.on('error', () => undefined));
				serve(socket);
			});
			server.listen(address);
			await once(server, 'listening');
			t.after(() => {
				server.close();
				for (const socket of open) socket.destroy();
			});
			await announce(address);
		},
		start,
		call(args: readonly string[], { input = '', ...how }: Call = {}): Promise<Output> {
			const child = start(args, how);
			child.stdin.on('error', () => undefined).end(input);
			return outputOf(child);
		},
		startAtTerminal,
		atTerminal(...call: Parameters<typeof startAtTerminal>): Promise<Output> {
			const child = startAtTerminal(...call);
			return outputOf(child).finally(() => child.stdin.destroy());
		},
	};
}

export async function outputOf(child: ChildProcess): Promise<Output> {
	let [stdout, stderr] = ['', ''];
	child.stdout?.setEncoding('utf8').on('data', (text: string) => {
		stdout += text;
	});
	child.stderr?.setEncoding('utf8').on('data', (text: string) => {
		stderr += text;
	});
	const [status] = await once(child, 'close');
	return { status, stdout, stderr };
}
