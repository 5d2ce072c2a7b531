/**
 * Runs a test module inside a real extension host. The server must have been started with `smokeTestDriver`;
 * VS Code shows no dialogs in this mode, so what needs a click is tested with real windows instead.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { bundleOptions } from '../../scripts/build.ts';
import { newProfile } from './browser.ts';
import { type HostTestResult, RESULT_MARK } from './hostSuite.ts';
import { until } from './until.ts';
import type { RunningVscodeServer } from './vscodeServer.ts';

export interface InHostOptions {
	readonly browser: Browser;
	readonly server: RunningVscodeServer;
	/** TypeScript or JavaScript file that exports `run(): Promise<void>`; it is bundled, `vscode` stays outside. */
	readonly module: string;
	/** Extension to load from source beside the installed ones; an empty one by default. */
	readonly extensionFolder?: string;
	/** Folder to open; the server's workspace by default. */
	readonly folder?: string;
	readonly deadlineMs?: number;
}

export interface InHostResult {
	/** 0 when `run` ended, 1 when it threw. */
	readonly exitCode: number;
	/** Console of the extension host and log of the workbench, a line per call. */
	readonly output: readonly string[];
	/** Of the tests of a `hostSuite`, in order. */
	readonly tests: readonly HostTestResult[];
}

/** Starting the window and its host takes about ten seconds of it. */
const DEFAULT_DEADLINE_MS = 120_000;

export async function runInHost(options: InHostOptions): Promise<InHostResult> {
	const { server } = options;
	const testModule = await bundleModule(options);
	const extensionFolder = options.extensionFolder ?? (await emptyExtension(server));
	const output: string[] = [];
	const context = await newProfile(options.browser);
	try {
		const page = await context.newPage();
		await page.exposeFunction('codeAutomationLog', (type: string, args: readonly unknown[]) => {
			output.push(`[${type}] ${args.map(asText).join(' ')}`);
		});
		let exitCode: number | undefined;
		await page.exposeFunction('codeAutomationExit', (code: number) => {
			exitCode = code;
		});
		const onServer = (file: string): string => `vscode-remote://127.0.0.1:${server.port}${file}`;
		const payload = [
			['extensionDevelopmentPath', onServer(extensionFolder)],
			['extensionTestsPath', onServer(testModule)],
			['skipWelcome', 'true'],
		];
		const query = new URLSearchParams({
			folder: options.folder ?? server.workspace,
			payload: JSON.stringify(payload),
		});
		const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
		await page.goto(`${server.url}/?${query}`, { timeout: deadlineMs });
		try {
			const code = await until('the extension host ends its test run', () => exitCode, deadlineMs);
			return { exitCode: code, output, tests: output.flatMap(parseResult) };
		} catch (error) {
			throw new Error(`no result from the extension host:\n${output.join('\n')}\n${server.output()}`, { cause: error });
		}
	} finally {
		await context.close();
	}
}

async function bundleModule(options: InHostOptions): Promise<string> {
	const outfile = path.join(options.server.folder, 'host-tests', `${path.parse(options.module).name}.cjs`);
	await build({ ...bundleOptions('dev'), entryPoints: [options.module], outfile });
	return outfile;
}

async function emptyExtension(server: RunningVscodeServer): Promise<string> {
	const folder = path.join(server.folder, 'host-extension');
	await mkdir(folder, { recursive: true });
	const manifest = { name: 'host', publisher: 'agent-auth-test', version: '0.0.1', engines: { vscode: '*' } };
	await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
	return folder;
}

function parseResult(line: string): HostTestResult[] {
	const at = line.indexOf(RESULT_MARK);
	return at < 0 ? [] : [JSON.parse(line.slice(at + RESULT_MARK.length))];
}

function asText(value: unknown): string {
	return typeof value === 'string' ? value : JSON.stringify(value);
}
