/**
 * The companion, which answers terminals of a remote with sessions that VS Code lends it. A real remote has two extension
 * hosts; the VS Code server has one, so the companion is told to run beside Agent Auth, and the terminal is pointed at it.
 * What it uses of Agent Auth goes through VS Code all the same: the authentication API and one command.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { COMPANION_VSIX_PATH, CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { windowAnnounced } from '../support/announcedWindows.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import { signInByConsumer } from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { openTerminal, runInTerminal, type TerminalResult } from '../support/terminal.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { clickDialogButton, dialogText } from '../support/workbench.ts';

const COMPANION_ID = 'agent-auth.agent-auth-companion';

describe('the companion in a remote window', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;
	/** Where the companion announces itself, and its launcher. */
	let storage: string;

	before(async () => {
		service = await startServer();
		host = await startVscodeServer({
			vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH, COMPANION_VSIX_PATH],
			settings: { ...demoSettings(service), 'agentAuthCompanion.active': 'always' },
		});
		browser = await launchBrowser();
		page = await openWindow(await newProfile(browser), host);
		shoot = await screenshotsOf('companion');
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	/** In the terminal, but with the folders of the companion, as on a remote where it is alone. */
	function askCompanion(rest: string): Promise<TerminalResult> {
		const run = path.join(storage, 'run');
		return runInTerminal(
			page,
			host.workspace,
			`AGENT_AUTH_RUN='${run}' '${path.join(storage, 'bin', 'agent-auth')}' ${rest}`,
		);
	}

	it('says that nobody is signed in while nobody is', async () => {
		storage = host.globalStorage(COMPANION_ID);
		await windowAnnounced(host, COMPANION_ID);
		await openTerminal(page);
		const result = await askCompanion('token demo');
		assert.equal(result.stdout, '');
		assert.notEqual(result.status, 0);
		assert.match(result.stderr, /sign in/i);
	});

	it('gives the token of the account in use, after VS Code and the window have asked', async () => {
		await signInByConsumer(page, 'Ada Lovelace');
		const asked = askCompanion('token demo');
		const first = await dialogText(page);
		assert.match(first, /Allow the terminal/);
		assert.doesNotMatch(first, /Workspace/);
		await shoot(page, 'asks about the terminal');
		await clickDialogButton(page, 'Allow in This Terminal');
		assert.match(await dialogText(page), /Agent Auth Companion.*wants to sign in using Demo Service/s);
		await shoot(page, 'asks about the companion');
		await clickDialogButton(page, 'Allow');
		const given = await asked;
		assert.equal(given.status, 0, given.stderr);
		const who = await fetch(service.whoamiUrl, { headers: { authorization: `Bearer ${given.stdout.trim()}` } });
		assert.match(JSON.stringify(await who.json()), /ada@example\.test/);
		// Nobody is asked again.
		const again = await askCompanion('token demo');
		assert.equal(again.stdout, given.stdout);
	});

	it('keeps nothing of it: neither what was allowed nor who got what', () => {
		assert.deepEqual(readdirSync(storage).sort(), ['bin', 'run']);
	});

	it('passes reports on to the extension that has the accounts', async () => {
		const before = await askCompanion('token demo');
		const advice = await askCompanion('report demo --status 401 </dev/null');
		assert.equal(advice.status, 0, advice.stderr);
		assert.equal(advice.stdout.trim(), 'retry-with-new-token');
		const after = await askCompanion('token demo');
		assert.notEqual(after.stdout, before.stdout);
		assert.equal(service.refreshes(), 1);
	});
});
