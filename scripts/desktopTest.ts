/**
 * `npm run test:desktop -- [version]`: the suite of test/host inside the extension host of a desktop VS Code, which is
 * fetched into the cache folder. `version` is `oldest` (the oldest that package.json supports), `stable` (the default),
 * `insiders` or a number such as 1.101.2. Linux without a display: put `xvfb-run -a` in front.
 */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { downloadAndUnzipVSCode, resolveCliArgsFromVSCodeExecutablePath, runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { HOST_SETTINGS } from '../test/host/hostSettings.ts';
import { bundleOptions, ROOT } from './build.ts';
import { cacheFolder } from './cacheFolder.ts';
import { hasDisplay } from './desktop.ts';
import { packageVsix } from './package.ts';
import { mustRun, withProgress } from './progress.ts';

const manifest: { engines: { vscode: string } } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));

const QUIET = {
	'telemetry.telemetryLevel': 'off',
	'update.mode': 'none',
	'workbench.startupEditor': 'none',
};

/** Inside a terminal of VS Code these would make the new one speak to the old one. */
const WITHOUT_OUTER_VSCODE: Readonly<Record<string, undefined>> = Object.fromEntries(
	Object.keys(process.env)
		.filter((name) => /^(VSCODE_|ELECTRON_)/.test(name))
		.map((name) => [name, undefined]),
);

process.exitCode = await main(process.argv[2] ?? 'stable');

async function main(wanted: string): Promise<number> {
	if (!/^(oldest|stable|insiders|\d+\.\d+\.\d+)$/.test(wanted)) {
		console.error('Usage: npm run test:desktop -- [oldest | stable | insiders | 1.2.3]');
		return 2;
	}
	if (!hasDisplay()) {
		console.error('There is no display for a desktop VS Code. On Linux: xvfb-run -a npm run test:desktop');
		return 1;
	}
	const version = wanted === 'oldest' ? manifest.engines.vscode.replace(/^\^/, '') : wanted;
	const vsix = await withProgress('building and packaging', packageVsix);
	const program = await fetchVscode(version);
	// Short: macOS allows a socket in it a path of 103 bytes.
	const folder = await mkdtemp(path.join(os.tmpdir(), 'aa-'));
	try {
		await runSuite(program, vsix, folder);
		console.log(`The suite holds in VS Code ${version}.`);
		return 0;
	} catch (error) {
		console.error(`The suite failed in VS Code ${version}: ${error instanceof Error ? error.message : error}`);
		return 1;
	} finally {
		await rm(folder, { recursive: true, force: true, maxRetries: 3 });
	}
}

async function fetchVscode(version: string): Promise<string> {
	const cachePath = path.join(cacheFolder(), 'vscode-desktop');
	await mkdir(cachePath, { recursive: true });
	return withProgress(`fetching VS Code ${version}`, () => downloadAndUnzipVSCode({ version, cachePath }));
}

/** Rejects if a test of the suite fails, or VS Code does not come to run it. */
async function runSuite(program: string, vsix: string, folder: string): Promise<void> {
	const dataDir = path.join(folder, 'data');
	const profile = [`--user-data-dir=${dataDir}`, `--extensions-dir=${path.join(folder, 'extensions')}`];
	const settingsPath = path.join(dataDir, 'User', 'settings.json');
	const workspace = path.join(folder, 'workspace');
	const host = path.join(folder, 'host');
	for (const made of [path.dirname(settingsPath), workspace, host]) await mkdir(made, { recursive: true });
	await writeFile(settingsPath, JSON.stringify({ ...QUIET, ...HOST_SETTINGS }));
	// The tests run as those of an extension of their own: the one under test is the packaged one.
	const own = { name: 'host', publisher: 'agent-auth-test', version: '0.0.1', engines: { vscode: '*' } };
	await writeFile(path.join(host, 'package.json'), JSON.stringify(own));
	const suite = path.join(folder, 'suite.cjs');
	await build({
		...bundleOptions('dev'),
		entryPoints: [path.join(ROOT, 'test', 'host', 'suite.ts')],
		outfile: suite,
	});

	const [cli = program, ...cliArgs] = resolveCliArgsFromVSCodeExecutablePath(program, { reuseMachineInstall: true });
	const isWindows = process.platform === 'win32';
	const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
	await mustRun(
		isWindows ? `"${cli}"` : cli,
		[...cliArgs, ...asRoot, ...profile, '--install-extension', vsix, '--force'],
		{ shell: isWindows, env: { ...process.env, ...WITHOUT_OUTER_VSCODE } },
	);
	await runTests({
		vscodeExecutablePath: program,
		extensionDevelopmentPath: host,
		extensionTestsPath: suite,
		extensionTestsEnv: WITHOUT_OUTER_VSCODE,
		launchArgs: [
			workspace,
			...profile,
			// Build machines have no keyring, and a dialog about that would wait for ever.
			...(process.platform === 'linux' ? ['--password-store=basic'] : []),
		],
	});
}
