/**
 * "Remove All Data" by real clicks in two windows of which one is asked: it lists what goes, does nothing when it is
 * cancelled, and leaves nothing when it is confirmed, in either window, on the disk or at the service. A sign-in afterwards
 * begins anew.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import {
	accountRow,
	clearNotifications,
	finishInBrowser,
	messageText,
	openedBy,
	showAccounts,
	signInByConsumer,
	whoAmI,
} from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { sharedStateOf } from '../support/sharedState.ts';
import { openTerminal, runInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type VaultFolder, vaultOf } from '../support/vaultFolder.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { clickDialogButton, dialog, dialogText, runCommand } from '../support/workbench.ts';

const COMMAND = 'Agent Auth: Remove All Data';
const STRAY = path.join('set-aside', `${'a'.repeat(64)}.1.rec`);

describe('removing all data, by real clicks', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let vault: VaultFolder;
	let browser: Browser;
	let first: Page;
	let second: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer({ accessTokenLifeS: 3600 });
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH], settings: demoSettings(service) });
		vault = vaultOf(host);
		browser = await launchBrowser();
		shoot = await screenshotsOf('remove-data');
		const profile = await newProfile(browser);
		first = await openWindow(profile, host);
		await signInByConsumer(first, 'Ada Lovelace');
		// What is there besides the account: a decision about a terminal, the list of who got a token, a damaged record.
		await openTerminal(first);
		const asked = runInTerminal(first, host.folder, 'agent-auth token demo');
		await clickDialogButton(first, 'Allow in This Terminal');
		assert.equal((await asked).status, 0);
		second = await openWindow(profile, host);
		for (const page of [second, first]) {
			await showAccounts(page);
			await accountRow(page, /ada@example/).waitFor();
		}
		await accountRow(first, /Demo Service, allowed/).waitFor();
		await mkdir(path.dirname(path.join(vault.folder, STRAY)), { recursive: true });
		await writeFile(path.join(vault.folder, STRAY), 'damaged');
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	it('lists what goes, and does nothing when it is cancelled', async () => {
		await clearNotifications(first);
		const before = await vault.contents();
		await runCommand(first, COMMAND);
		const text = await dialogText(first);
		await shoot(first, 'question');
		assert.match(text, /Remove all data of Agent Auth\? This counts for every window and cannot be undone\./);
		assert.match(text, /Demo Service: ada@example\.test/);
		assert.match(text, /1 stored sign-in/);
		assert.match(text, /the key of the stored sign-ins, what you allowed terminals/);
		await clickDialogButton(first, 'Cancel');
		await dialog(first).waitFor({ state: 'detached' });
		for (const page of [first, second]) assert.match(await whoAmI(page), /You are Ada Lovelace/);
		assert.deepEqual(service.revocations(), []);
		const now = await vault.contents();
		for (const file of Object.keys(before)) if (!file.startsWith('state.')) assert.equal(now[file], before[file], file);
	});

	it('takes everything away in both windows, from the disk and at the service', async () => {
		assert.ok((await vault.records()).length > 0 && (await vault.keys()).length > 0);
		assert.equal(service.grantsAlive().length, 1);
		await clearNotifications(first);
		await runCommand(first, COMMAND);
		await clickDialogButton(first, 'Remove All Data');
		await messageText(first, /All data of Agent Auth was removed\./);
		await shoot(first, 'removed');
		for (const page of [first, second]) {
			await page.bringToFront();
			await accountRow(page, /ada@example/).waitFor({ state: 'detached' });
			await accountRow(page, /Demo Service, allowed/).waitFor({ state: 'detached' });
			assert.match(await whoAmI(page), /Nobody is signed in/);
		}
		await shoot(second, 'second-window');
		assert.deepEqual(service.grantsAlive(), []);
		assert.ok(service.revocations().length > 0);
		// A window that is told may write that it knows of nobody; nothing else is there.
		const left = (await vault.files()).filter((file) => !/^state\.\d+\.rec$|\.probe$/.test(file));
		assert.deepEqual(left, []);
		assert.deepEqual((await sharedStateOf(host).read()).providers, {});
		const settings = await readFile(host.settingsPath, 'utf8');
		assert.ok(settings.includes(service.clientId), 'the settings stay');
	});

	it('is followed by a sign-in that begins anew and serves both windows', async () => {
		await clearNotifications(first);
		const login = await openedBy(first, () => runCommand(first, 'Agent Auth: Sign In'));
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo Service/);
		for (const page of [first, second]) {
			await page.bringToFront();
			await accountRow(page, /ada@example/).waitFor();
			await until('the window has the account', async () => /You are Ada Lovelace/.test(await whoAmI(page)));
		}
		assert.equal(service.grantsAlive().length, 1);
		assert.equal(service.reuses(), 0);
	});
});
