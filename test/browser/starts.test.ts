/**
 * How Agent Auth starts when all is well and when it is not: empty, again, with its files damaged, newer or locked away,
 * with its key gone and come back. Each ends in a clear state, and nothing is lost.
 */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { forgetSecrets, launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import {
	accountRow,
	askAndAllow,
	clearNotifications,
	consentIsKept,
	finishInBrowser,
	messageText,
	openedBy,
	showAccounts,
	signInByConsumer,
	welcomeText,
	whoAmI,
} from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { until } from '../support/until.ts';
import { type VaultFolder, vaultOf } from '../support/vaultFolder.ts';
import { type RunningVscodeServer, readLogs, startVscodeServer } from '../support/vscodeServer.ts';
import { chooseMenu, clickDialogButton, clickRowButton, dialogText, runCommand } from '../support/workbench.ts';

const VSIX_PATHS = [VSIX_PATH, CONSUMER_VSIX_PATH];
const LOG = /Agent Auth\.log$/;

/** A user that owns nothing else; modes of files hold for everybody but root. */
const OTHER_UID = 54_321;

describe('starts of a window', () => {
	let service: Server;
	let folder: string;
	let host: RunningVscodeServer;
	let vault: VaultFolder;
	let browser: Browser;
	let profile: BrowserContext;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer();
		folder = await mkdtemp(path.join(os.tmpdir(), 'agent-auth-starts-'));
		host = await startVscodeServer({ vsixPaths: VSIX_PATHS, settings: demoSettings(service), folder });
		vault = vaultOf(host);
		browser = await launchBrowser();
		profile = await newProfile(browser);
		shoot = await screenshotsOf('starts');
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
		if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
	});

	/** A new life of the window, after `change` was done to what it left. */
	async function startAfter(change: () => Promise<void>): Promise<void> {
		await page.close();
		await change();
		page = await openWindow(profile, host);
		await showAccounts(page);
	}

	async function onlyRecord(): Promise<string> {
		const records = await vault.records();
		assert.equal(records.length, 1);
		return records[0] ?? '';
	}

	it('on an empty profile: a welcome, no complaint, and neither key nor record before somebody signs in', async () => {
		page = await openWindow(profile, host);
		await showAccounts(page);
		assert.match(await welcomeText(page, /Sign in once, and every window/), /access token\. Sign In Add Provider$/);
		await shoot(page, 'first-start');
		const log = await until('there is a log', async () => (await readLogs(host.logsDir, LOG)) || undefined);
		assert.doesNotMatch(log, /\[(error|warning)\]/);
		assert.deepEqual(
			(await vault.files()).filter((name) => !name.endsWith('.probe')),
			[],
		);
		assert.equal(await page.evaluate(() => localStorage.getItem('secrets.provider')), null);
	});

	it('a second time: the account is there without a sign-in', async () => {
		await signInByConsumer(page, 'Ada Lovelace');
		await consentIsKept(page);
		await page.close();
		await host.stop();
		const { port } = host;
		host = await startVscodeServer({ vsixPaths: [], settings: demoSettings(service), folder, port });
		page = await openWindow(profile, host);
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
		await showAccounts(page);
		await accountRow(page, /ada@example\.test/).waitFor();
		await shoot(page, 'second-start');
		assert.equal(service.count('code'), 1);
	});

	it('with the secrets of the browser wiped: the recovery copy of the key opens the vault', async () => {
		await startAfter(() => forgetSecrets(profile, host));
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
		await until('the key is put back', () => page.evaluate(() => localStorage.getItem('secrets.provider') !== null));
		assert.equal(service.count('code'), 1);
	});

	it('with the key missing: says so, keeps the record, and opens it when the key returns', async () => {
		const [key = ''] = await vault.keys();
		const before = await vault.contents();
		await startAfter(async () => {
			await forgetSecrets(profile, host);
			await rename(key, path.join(folder, 'kept.key'));
		});
		await welcomeText(page, /the key that opens them is missing\. They are kept, and open again when the key returns/);
		await shoot(page, 'key-missing');
		assert.match(await whoAmI(page), /No session: The key that opens the stored sign-ins is missing/);
		await shoot(page, 'key-missing-consumer');
		await rename(path.join(folder, 'kept.key'), key);
		await accountRow(page, /ada@example\.test/).waitFor({ timeout: 70_000 });
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
		const record = path.basename(await onlyRecord());
		assert.equal((await vault.contents())[record], before[record]);
		await shoot(page, 'key-returned');
	});

	it('with a record of a newer version: says so and never rewrites it', async () => {
		const record = await onlyRecord();
		const present = await readFile(record, 'utf8');
		const newer = JSON.stringify({ ...JSON.parse(present), schema: 99 });
		await startAfter(() => writeFile(record, newer));
		await accountRow(page, /ada@example\.test.*newer version of Agent Auth needed/).waitFor();
		await shoot(page, 'newer-schema');
		assert.match(await whoAmI(page), /No session: The stored sign-in for Demo Service was written by a newer version/);
		await shoot(page, 'newer-schema-consumer');
		// Nobody is sent through a sign-in whose result could not be kept.
		await clearNotifications(page);
		const asked = service.count('authorize');
		await accountRow(page, /ada@example\.test/).click({ button: 'right' });
		await chooseMenu(page, 'Sign In');
		await messageText(page, /The stored sign-in for Demo Service was written by a newer version of Agent Auth/);
		await shoot(page, 'newer-schema-sign-in');
		assert.equal(service.count('authorize'), asked);
		assert.equal(await readFile(record, 'utf8'), newer);
		await startAfter(() => writeFile(record, present));
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
	});

	it('with a damaged record: says so, keeps the file, and the next sign-in goes on', async () => {
		const record = await onlyRecord();
		const damaged = (await readFile(record, 'utf8')).slice(0, -40);
		await startAfter(() => writeFile(record, damaged));
		await accountRow(page, /ada@example\.test.*damaged, kept; sign in again/).waitFor();
		await shoot(page, 'damaged');
		assert.match(await whoAmI(page), /No session: The stored sign-in for Demo Service is damaged/);
		assert.equal(await readFile(record, 'utf8'), damaged);
		const login = await openedBy(page, async () => {
			await clickRowButton(accountRow(page, /ada@example\.test/), 'Sign In');
		});
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo Service/);
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
		await shoot(page, 'damaged-signed-in');
		const aside = (await vault.files()).filter((name) => name.startsWith('set-aside'));
		assert.equal(aside.length, 1);
		assert.equal(await readFile(path.join(vault.folder, aside[0] ?? ''), 'utf8'), damaged);
	});
});

describe('a start where the folder cannot be written', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
	let service: Server;
	let folder: string;
	let host: RunningVscodeServer;
	let browser: Browser;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer();
		folder = await mkdtemp(path.join(os.tmpdir(), 'agent-auth-unwritable-'));
		const storage = path.join(folder, 'data', 'User', 'globalStorage', 'agent-auth.agent-auth');
		await mkdir(storage, { recursive: true });
		await chmod(storage, 0o500);
		host = await startVscodeServer({ vsixPaths: VSIX_PATHS, settings: demoSettings(service), folder, uid: OTHER_UID });
		browser = await launchBrowser();
		page = await openWindow(await newProfile(browser), host);
		shoot = await screenshotsOf('unwritable');
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
		if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
	});

	it('asks before anybody signs in, and "this window only" works', async () => {
		await showAccounts(page);
		await shoot(page, 'start');
		await askAndAllow(page);
		await until('the question is asked', async () => /folder/.test(await dialogText(page)));
		assert.match(await dialogText(page), /The folder for your sign-ins cannot be used/);
		await shoot(page, 'question');
		assert.equal(service.requests.length, 0);
		const login = await openedBy(page, () => clickDialogButton(page, 'Only for This Window'));
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo Service/);
		await messageText(page, /You are Ada Lovelace/);
		await accountRow(page, /ada@example\.test/).waitFor();
		await shoot(page, 'signed-in');
		assert.deepEqual(await vaultOf(host).files(), []);
		await runCommand(page, 'Agent Auth: Renew Token');
		await until('the token was renewed', () => service.refreshes() === 1);
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
	});
});
