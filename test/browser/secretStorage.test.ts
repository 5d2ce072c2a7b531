/**
 * When VS Code's SecretStorage hangs, throws, drops what it is given or forgets it: each ends in a clear state and a clear
 * question, every answer to it works, and nothing is lost. In a browser the secrets lie in its local storage, sealed with
 * half a key that the server mints, so both can be made to fail from outside.
 */
import assert from 'node:assert/strict';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { forgetSecrets, launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import {
	accountRow,
	askAndAllow,
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
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { clickDialogButton, dialogText } from '../support/workbench.ts';

const KEY_HALF = '**/mint-key';
const KEPT = 'secrets.provider';

/** How VS Code reads a secret in a browser. */
const READ_SECRET = /async get\((\w+)\)\{return\s*\(await this\.secretsPromise\)\[\1\]\}/;

/** A SecretStorage call has eight seconds, and a key that cannot be read is asked for twice. */
const QUESTION_DEADLINE_MS = 40_000;

describe('a SecretStorage that does not work', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let vault: VaultFolder;
	let browser: Browser;
	let profile: BrowserContext;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer();
		await startHost();
		browser = await launchBrowser();
		shoot = await screenshotsOf('secret-storage');
	});

	async function startHost(): Promise<void> {
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH], settings: demoSettings(service) });
		vault = vaultOf(host);
	}

	/** Everybody starts without any account. */
	beforeEach(async () => {
		await rm(vault.folder, { recursive: true, force: true, maxRetries: 3 });
		profile = await newProfile(browser);
	});

	afterEach(async () => {
		await profile?.close();
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	/** Resolves to the text of the modal question about the key. */
	async function question(): Promise<string> {
		return until(
			'there is a question about the key',
			async () => {
				const text = await page.locator('.monaco-dialog-box .dialog-message-container').allTextContents();
				return text.find((shown) => !shown.includes('wants to sign in using'))?.replace(/\s+/g, ' ');
			},
			QUESTION_DEADLINE_MS,
		);
	}

	async function answerAndSignIn(button: string): Promise<void> {
		const login = await openedBy(page, () => clickDialogButton(page, button));
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo Service/);
		await messageText(page, /Signed in to Demo Service as ada@example\.test/);
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
	}

	async function pressWelcome(button: string): Promise<void> {
		await page.locator('.part.sidebar .welcome-view-content:visible').getByRole('button', { name: button }).click();
	}

	/** The window's next life, after `change`. */
	async function reopen(change: () => Promise<void> = async () => undefined): Promise<void> {
		await page.close();
		await change();
		page = await openWindow(profile, host);
		await showAccounts(page);
	}

	/** Signed in with all well. */
	async function signedIn(): Promise<{ record: string; bytes: string; key: string; kept: string }> {
		page = await openWindow(profile, host);
		await signInByConsumer(page, 'Ada Lovelace');
		await consentIsKept(page);
		await until('the key is stored', () => page.evaluate<boolean>(`localStorage.getItem('${KEPT}') !== null`));
		const [[record = ''], [key = '']] = await Promise.all([vault.records(), vault.keys()]);
		const bytes = await readFile(record, 'utf8');
		return { record, bytes, key, kept: path.join(host.folder, `${path.basename(key)}.kept`) };
	}

	/** Takes away everything that could open the vault. */
	async function loseTheKey({ key, kept }: { key: string; kept: string }): Promise<void> {
		await reopen(async () => {
			await forgetSecrets(profile, host);
			await rename(key, kept);
		});
		await welcomeText(page, /the key that opens them is missing/);
	}

	async function isKept(bytes: string): Promise<boolean> {
		return Object.values(await vault.contents()).includes(Buffer.from(bytes).toString('base64'));
	}

	it('that hangs: asks, and the key is kept in a file that later windows open with at once', async () => {
		await hangSecrets(profile);
		page = await openWindow(profile, host);
		await askAndAllow(page);
		assert.match(await question(), /This system does not keep secrets for VS Code/);
		await shoot(page, 'hangs-question');
		assert.equal(service.requests.length, 0);
		await answerAndSignIn('Use a Key File');
		await consentIsKept(page);
		const [key = ''] = await vault.keys();
		assert.equal((await stat(key)).mode & 0o777, 0o600);
		await reopen();
		await accountRow(page, /ada@example\.test/).waitFor();
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
		await shoot(page, 'hangs-next-window');
		assert.equal(service.count('code'), 1);
	});

	it('that throws: asks, and "only for this window" works and writes nothing', async () => {
		await profile.addInitScript(`{
			const getItem = Storage.prototype.getItem;
			Storage.prototype.getItem = function (name) {
				if (name === '${KEPT}') throw new DOMException('The operation is insecure.', 'SecurityError');
				return getItem.call(this, name);
			};
		}`);
		page = await openWindow(profile, host);
		await showAccounts(page);
		await askAndAllow(page);
		assert.match(await question(), /This system does not keep secrets for VS Code/);
		await answerAndSignIn('Only for This Window');
		await accountRow(page, /ada@example\.test.*this window only/).waitFor();
		await shoot(page, 'throws-this-window-only');
		assert.deepEqual([...(await vault.records()), ...(await vault.keys())], []);
		await reopen();
		await welcomeText(page, /Sign in once/);
		assert.match(await whoAmI(page), /Nobody is signed in/);
	});

	it('that drops what it is given: the copy of the key opens the vault in the next window', async () => {
		await profile.addInitScript(`{
			const setItem = Storage.prototype.setItem;
			Storage.prototype.setItem = function (name, value) {
				if (name !== '${KEPT}') setItem.call(this, name, value);
			};
		}`);
		page = await openWindow(profile, host);
		await signInByConsumer(page, 'Ada Lovelace');
		await consentIsKept(page);
		assert.equal(await page.evaluate(`localStorage.getItem('${KEPT}')`), null);
		await reopen();
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
	});

	it('that fails at the start: the copy of the key opens the vault, and what is stored stays as it is', async () => {
		await signedIn();
		const stored = await page.evaluate(`localStorage.getItem('${KEPT}')`);
		await reopen(async () => {
			await profile.route(KEY_HALF, (route) => route.abort('connectionrefused'));
		});
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
		assert.equal(await page.evaluate(`localStorage.getItem('${KEPT}')`), stored);
	});

	it('that hangs where accounts are: says so, asks before a sign-in, and opens them when it answers', async () => {
		const { record, bytes, key } = await signedIn();
		await reopen(async () => {
			await rm(key);
			await hangSecrets(profile);
		});
		await welcomeText(page, /the place that keeps their key does not answer/);
		await shoot(page, 'silent-welcome');
		await pressWelcome('Sign In');
		assert.match(
			await question(),
			/The place that keeps the key of your stored sign-ins does not answer.*They are kept/,
		);
		await shoot(page, 'silent-question');
		await clickDialogButton(page, 'Cancel');
		assert.equal(await readFile(record, 'utf8'), bytes);
		await page.evaluate('secretsAnswer()');
		await accountRow(page, /ada@example\.test/).waitFor({ timeout: 70_000 });
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
		assert.equal(await readFile(record, 'utf8'), bytes);
	});

	it('that forgets when a window closes: says so, and a key file keeps the next sign-in', async () => {
		// The server keeps the extension hosts of closed windows for a while. One of an earlier test that finds the key in its
		// file would be another session in which the key was kept.
		await host.stop();
		await startHost();
		const before = await signedIn();
		await loseTheKey(before);
		await pressWelcome('Sign In');
		assert.match(await question(), /VS Code forgets secrets on this system when a window closes/);
		await shoot(page, 'forgets-question');
		await answerAndSignIn('Use a Key File');
		await consentIsKept(page);
		await reopen(() => forgetSecrets(profile, host));
		await accountRow(page, /ada@example\.test/).waitFor();
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
		assert.ok(await isKept(before.bytes));
	});

	it('that has lost a key it used to keep: "only for this window" works beside what is kept, and so does starting over', async () => {
		const before = await signedIn();
		await reopen();
		await until('another window has found the key', async () =>
			Object.values(await vault.contents()).some((bytes) =>
				Buffer.from(bytes, 'base64').includes('"seenElsewhere":true'),
			),
		);
		await loseTheKey(before);
		await pressWelcome('Sign In');
		assert.match(await question(), /The key that opens your stored sign-ins is missing.*They are kept/);
		await shoot(page, 'lost-question');
		await answerAndSignIn('Only for This Window');
		await shoot(page, 'lost-this-window-only');
		assert.equal(await readFile(before.record, 'utf8'), before.bytes);

		await reopen();
		await welcomeText(page, /the key that opens them is missing/);
		await pressWelcome('Sign In');
		await question();
		await clickDialogButton(page, 'Start Over');
		assert.match(await dialogText(page), /Start over with a new key\?.*stay on disk/);
		await shoot(page, 'start-over');
		await answerAndSignIn('Start Over');
		await consentIsKept(page);
		await reopen();
		await accountRow(page, /ada@example\.test/).waitFor();
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
		await shoot(page, 'started-over');
		assert.ok(await isKept(before.bytes));
	});
});

/**
 * VS Code's answers to our reads of SecretStorage stay away until `secretsAnswer()` is called in the window. Nothing less
 * hangs: a server that withholds its half of the key holds up the start of the extension host itself.
 */
async function hangSecrets(profile: BrowserContext): Promise<void> {
	await profile.addInitScript(
		'globalThis.secretsHang = new Promise((resolve) => { globalThis.secretsAnswer = resolve; });',
	);
	await profile.route('**/workbench/workbench.js', async (route) => {
		const response = await route.fetch();
		const source = await response.text();
		const name = READ_SECRET.exec(source)?.[1] ?? assert.fail('VS Code reads secrets otherwise now');
		const hang = `if(${name}.includes('agentAuth.vaultKey'))await globalThis.secretsHang;`;
		await route.fulfill({ response, body: source.replace(READ_SECRET, (get) => get.replace('{', `{${hang}`)) });
	});
}
