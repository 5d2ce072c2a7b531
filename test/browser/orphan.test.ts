/** A window whose browser is killed leaves its extension host behind for hours. It must not refresh or answer terminals. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, readLogs, startVscodeServer } from '../support/vscodeServer.ts';

/** One look at the vault a minute, the silence after it, and room for a busy machine. */
const NOTICED_WITHIN_MS = 90_000;

describe('an extension host whose window is gone', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;

	before(async () => {
		service = await startServer();
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH], settings: demoSettings(service) });
		browser = await launchBrowser();
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	it('withdraws from the terminals and stops refreshing', async () => {
		const run = path.join(host.globalStorage('agent-auth.agent-auth'), 'run');
		const descriptors = async () => (await readdir(run).catch(() => [])).filter((file) => file.endsWith('.json'));
		const page = await openWindow(await newProfile(browser), host);
		await until('terminals can ask the window', async () => (await descriptors()).length === 1);
		const session = await page.context().newCDPSession(page);
		// The renderer dies without a word to anybody.
		session.send('Page.crash').catch(() => undefined); // No answer comes from a crashed page.
		await until('the host has noticed', async () => (await descriptors()).length === 0, NOTICED_WITHIN_MS);
		assert.match(await readLogs(host.logsDir, /Agent Auth/), /it does not answer; nothing is refreshed/);
	});
});
