/** The bench's own extension in a real VS Code, signed in and allowed by clicks as by a person, then left to time itself. */
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import * as v from 'valibot';
import { bundleOptions, ROOT } from '../scripts/build.ts';
import { demoSettings } from '../scripts/demoSettings.ts';
import { packageVsix } from '../scripts/package.ts';
import { mustRun } from '../scripts/progress.ts';
import { startServer } from '../test/server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../test/support/browser.ts';
import { clearNotifications, finishInBrowser, messageText, openedBy } from '../test/support/demoWindow.ts';
import { startVscodeServer } from '../test/support/vscodeServer.ts';
import { clickDialogButton, dialogText, runCommand } from '../test/support/workbench.ts';

const timesSchema = v.object({ ours: v.array(v.number()), constant: v.array(v.number()) });

/** In ms, by pairs: the same place in both lists was measured one right after the other. */
export type HostTimes = v.InferOutput<typeof timesSchema>;

const DONE_DEADLINE_MS = 180_000;

export async function timeInHost(pairs: number): Promise<HostTimes> {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-auth-bench-'));
	const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
	try {
		const vsixPaths = [await packageVsix(), await packageBench(folder)];
		const service = await startServer({ accessTokenLifeS: 3_600 });
		undo.unshift(() => service.close());
		const target = path.join(folder, 'times.json');
		const extraEnv = { AGENT_AUTH_BENCH_OUT: target, AGENT_AUTH_BENCH_PAIRS: String(pairs) };
		const host = await startVscodeServer({ vsixPaths, settings: demoSettings(service), extraEnv });
		undo.unshift(() => host.stop());
		const browser = await launchBrowser();
		undo.unshift(() => browser.close());
		const page = await openWindow(await newProfile(browser), host);
		await runCommand(page, 'Bench: Ask for a Constant');
		await dialogText(page);
		await clickDialogButton(page, 'Allow');
		await messageText(page, /bench-constant gave constant/);
		await clearNotifications(page);
		const login = await openedBy(page, async () => {
			await runCommand(page, 'Bench: Ask for a Session');
			await dialogText(page);
			await clickDialogButton(page, 'Allow');
		});
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo Service/);
		await messageText(page, /agent-auth\.demo gave/);
		await clearNotifications(page);
		page.setDefaultTimeout(DONE_DEADLINE_MS);
		await runCommand(page, 'Bench: Run');
		await messageText(page, /Bench: done/);
		return v.parse(timesSchema, JSON.parse(await readFile(target, 'utf8')));
	} finally {
		for (const work of undo) await work();
	}
}

async function packageBench(folder: string): Promise<string> {
	const extension = path.join(folder, 'extension');
	const target = path.join(folder, 'bench.vsix');
	await mkdir(extension);
	await cp(path.join(import.meta.dirname, 'host', 'package.json'), path.join(extension, 'package.json'));
	const entry = path.join(import.meta.dirname, 'host', 'extension.ts');
	await build({ ...bundleOptions('package'), entryPoints: [entry], outfile: path.join(extension, 'extension.cjs') });
	const vsce = path.join(ROOT, 'node_modules', '@vscode', 'vsce', 'vsce');
	const args = ['package', '--no-dependencies', '--skip-license', '--allow-missing-repository', '--out', target];
	await mustRun(process.execPath, [vsce, ...args], { cwd: extension });
	return target;
}
