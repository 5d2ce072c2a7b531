/** "Connect a Tool" by real clicks: the change is on the screen before anything is written, and goes again. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { VSIX_PATH } from '../../scripts/package.ts';
import { mustRun } from '../../scripts/progress.ts';
import { ensureVscodeServer } from '../../scripts/vscodeHost.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import { messageText } from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { clickDialogButton, dialogText, pick, quickInput, runCommand } from '../support/workbench.ts';

const SETTINGS = { 'agentAuth.providers': { models: { type: 'apiKey', label: 'Model Gateway' } } };
const TEXT = '{\n  // mine\n  "model": "opus"\n}\n';

describe('connecting a tool, by real clicks', () => {
	let folder: string;
	let host: RunningVscodeServer;
	let browser: Browser;
	let profile: BrowserContext;
	let page: Page;
	let file: string;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		folder = await mkdtemp(path.join(tmpdir(), 'agent-auth-connect-'));
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH], settings: SETTINGS, folder });
		file = path.join(host.homeDir, '.claude', 'settings.json');
		await mkdir(path.dirname(file), { recursive: true });
		await writeFile(file, TEXT);
		browser = await launchBrowser();
		shoot = await screenshotsOf('connect-tool');
		profile = await newProfile(browser);
		page = await openWindow(profile, host);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await rm(folder, { recursive: true, force: true, maxRetries: 3 });
	});

	const recordIsGone = async () => !existsSync(path.join(host.homeDir, '.local', 'state', 'agent-auth'));
	const diff = () => page.locator('.monaco-diff-editor .editor.modified .view-lines');

	async function openDiff(command: string, tool: string): Promise<void> {
		await runCommand(page, command);
		await pick(page, tool);
		await quickInput(page).getByText('Apply', { exact: true }).waitFor();
		await diff().waitFor();
	}

	it('shows the change while it asks, and writes nothing without a yes', async () => {
		await openDiff('Agent Auth: Connect a Tool', 'Claude Code');
		await diff().getByText('apiKeyHelper').first().waitFor();
		await shoot(page, 'diff');
		await pick(page, 'Cancel');
		await until('the diff is closed', async () => (await diff().count()) === 0);
		assert.equal(await readFile(file, 'utf8'), TEXT);
	});

	it('writes it after the yes, with the path of a command that is there', async () => {
		await openDiff('Agent Auth: Connect a Tool', 'Claude Code');
		await pick(page, 'Apply');
		assert.match(await dialogText(page), /will not use your subscription/);
		await clickDialogButton(page, 'Use This Service');
		await messageText(page, /Claude Code now asks Agent Auth for its token of Model Gateway/);
		const text = await readFile(file, 'utf8');
		const launcher = path.join(host.globalStorage('agent-auth.agent-auth'), 'bin', 'agent-auth');
		assert.ok(text.includes(`"apiKeyHelper": "${launcher} token models --min-ttl 600"`), text);
		assert.ok(existsSync(launcher));
		assert.match(text, /\/\/ mine/);
	});

	it('takes it back byte for byte', async () => {
		await openDiff('Agent Auth: Disconnect a Tool', 'Claude Code');
		await shoot(page, 'undo');
		await pick(page, 'Apply');
		await until('the file is as it was', async () => (await readFile(file, 'utf8')) === TEXT);
		await until('the diff is closed', async () => (await diff().count()) === 0);
		assert.equal(await page.locator('.editor-group-container').count(), 1, 'the window is as it was');
		await until('the record is gone', recordIsGone);
	});

	it('takes it back when VS Code uninstalls the extension', async () => {
		await openDiff('Agent Auth: Connect a Tool', 'Claude Code');
		await pick(page, 'Apply');
		await clickDialogButton(page, 'Use This Service');
		await until('the tool is connected', async () => (await readFile(file, 'utf8')) !== TEXT);
		await page.close();
		await host.stop();
		const server = await ensureVscodeServer();
		const entry = path.join(server.root, 'out', 'node', 'entry.js');
		const folders = ['--user-data-dir', host.dataDir, '--extensions-dir', host.extensionsDir];
		const env = { PATH: process.env.PATH ?? '', HOME: host.homeDir };
		const uninstall = ['--uninstall-extension', 'agent-auth.agent-auth'];
		await mustRun(server.node, [entry, ...folders, ...uninstall], { cwd: folder, env });
		// VS Code runs the program of an extension that has gone when the next window asks for its extensions.
		host = await startVscodeServer({ vsixPaths: [], folder });
		page = await profile.newPage();
		await page.goto(host.url);
		await until('the file is as it was', async () => (await readFile(file, 'utf8')) === TEXT);
		await until('the record is gone', recordIsGone);
	});
});
