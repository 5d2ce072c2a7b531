/**
 * The ways to sign in besides the plain one, by real clicks: a code on another device, a pasted address, a change of mind
 * on the way, a cancellation, and somebody else coming back.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import {
	accountRow,
	addressBar,
	askAndAllow,
	choosePerson,
	clearNotifications,
	finishInBrowser,
	messageText,
	openedBy,
	showAccounts,
	signInByConsumer,
	signInProgress,
	signOut,
	whoAmI,
} from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { until } from '../support/until.ts';
import { vaultOf } from '../support/vaultFolder.ts';
import { type RunningVscodeServer, startVscodeServer, writeSettings } from '../support/vscodeServer.ts';
import {
	answerInput,
	chooseMenu,
	clickDialogButton,
	dialog,
	dialogText,
	notifications,
	pick,
	quickInput,
} from '../support/workbench.ts';

const USER_CODE = /Your code for Demo Service is ([A-Z]{4}-[A-Z]{4})/;

/** The address of a redirect to this machine; undefined for any other. */
function callbackAddress(address: string): string | undefined {
	return /^http:\/\/127\.0\.0\.1:\d+\/callback\?/.test(address) ? address : undefined;
}

describe('other ways to sign in, by real clicks', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let profile: BrowserContext;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer({ deviceIntervalS: 1 });
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH], settings: settings('device') });
		browser = await launchBrowser();
		profile = await newProfile(browser);
		shoot = await screenshotsOf('other-flows');
		page = await openWindow(profile, host);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	function settings(flow: string): Record<string, unknown> {
		return { ...demoSettings(service), 'agentAuth.signInFlow': flow };
	}

	/** A window that starts with the setting has it for sure. */
	async function windowWithFlow(flow: string): Promise<void> {
		await writeSettings(host.settingsPath, settings(flow));
		await page.close();
		page = await openWindow(profile, host);
	}

	/** The person compares the code, approves it at the page of the service and closes that page. */
	async function approve(verification: Page, userCode: string): Promise<void> {
		await verification.getByText(userCode).waitFor();
		await shoot(verification, 'device-confirm');
		await verification.getByRole('button', { name: 'Yes, this is my code' }).click();
		await verification.getByRole('button', { name: 'Sign in as Ada Lovelace' }).waitFor();
		await finishInBrowser(verification, 'Ada Lovelace', /^You are signed in/);
	}

	async function shownCode(): Promise<string> {
		const text = await dialogText(page);
		return USER_CODE.exec(text)?.[1] ?? assert.fail(text);
	}

	it('signs in with a code that is approved at the page of the service', async () => {
		await askAndAllow(page);
		const userCode = await shownCode();
		assert.match(await dialogText(page), new RegExp(`Enter it at ${service.issuer}/\\S* to sign in to Demo Service`));
		await shoot(page, 'device-code');
		const verification = await openedBy(page, () => clickDialogButton(page, 'Copy Code and Open Browser'));
		assert.equal(await page.evaluate<string>('navigator.clipboard.readText()'), userCode);
		await shoot(page, 'device-waiting');
		await approve(verification, userCode);
		await messageText(page, /You are Ada Lovelace/);
		await until('the progress is gone', async () => (await signInProgress(page).count()) === 0);
		await shoot(page, 'device-done');
		assert.equal(service.count('device') > 0, true);
		assert.equal(service.count('code'), 0);
		await signOut(page);
	});

	it('signs in with the address of the page that the browser could not show', async () => {
		await windowWithFlow('paste');
		const login = await openedBy(page, () => askAndAllow(page));
		await quickInput(page).waitFor();
		await shoot(page, 'paste-question');
		await answerInput(page, login.url());
		await quickInput(page).getByText('This is the sign-in page').waitFor();
		await shoot(page, 'paste-wrong-address');
		await choosePerson(login, 'Ada Lovelace');
		const address = await until('the browser has given up', async () => callbackAddress(await addressBar(login)));
		await shoot(login, 'paste-error-page');
		await login.close();
		await page.bringToFront();
		await answerInput(page, address);
		await messageText(page, /You are Ada Lovelace/);
		await shoot(page, 'paste-done');
		await signOut(page);
	});

	it('changes from the browser to a code on the way', async () => {
		await windowWithFlow('auto');
		const login = await openedBy(page, () => askAndAllow(page));
		await login.close();
		await signInProgress(page).getByText('Another Way…').click();
		await quickInput(page).getByText('Code on any device').waitFor();
		await shoot(page, 'another-way');
		await pick(page, 'Code on any device');
		const userCode = await shownCode();
		const verification = await openedBy(page, () => clickDialogButton(page, 'Copy Code and Open Browser'));
		await approve(verification, userCode);
		await messageText(page, /You are Ada Lovelace/);
		await signOut(page);
	});

	it('keeps nothing of a sign-in that was cancelled, and the next one works', async () => {
		const records = await vaultOf(host).records();
		const login = await openedBy(page, () => askAndAllow(page));
		await signInProgress(page).hover();
		await shoot(page, 'cancel');
		await signInProgress(page).getByRole('button', { name: 'Cancel' }).click();
		await until('the progress is gone', async () => (await signInProgress(page).count()) === 0);
		await shoot(page, 'cancelled');
		assert.equal(await notifications(page, /Agent Auth|error/i).count(), 0);
		assert.deepEqual(await vaultOf(host).records(), records);
		// The listener has gone with the sign-in: who is late finds nobody.
		await choosePerson(login, 'Ada Lovelace');
		await until('the browser has given up', async () => callbackAddress(await addressBar(login)));
		await login.close();
		assert.match(await whoAmI(page), /Nobody is signed in/);
		assert.deepEqual(await vaultOf(host).records(), records);
		await signInByConsumer(page, 'Ada Lovelace');
	});

	it('asks when somebody else comes back than the account that is signed in again', async () => {
		await showAccounts(page);
		const before = await vaultOf(host).contents();
		await clearNotifications(page);
		const first = await openedBy(page, signInAgain);
		await choosePerson(first, 'Grace Hopper');
		await first.getByText('You chose grace@example.test').waitFor();
		await shoot(first, 'other-person-page');
		await page.bringToFront();
		assert.match(
			await dialogText(page),
			/signed in to Demo Service as grace@example\.test.*ada@example\.test was expected/s,
		);
		await shoot(page, 'other-person');
		await clickDialogButton(page, 'Cancel');
		await messageText(page, /is not the one expected\. Nothing was changed/);
		await shoot(page, 'other-person-declined');
		await first.close();
		assert.equal(await accountRow(page, /grace@example\.test/).count(), 0);
		const after = await vaultOf(host).contents();
		for (const record of await vaultOf(host).records()) {
			assert.equal(after[path.basename(record)], before[path.basename(record)]);
		}

		const second = await openedBy(page, signInAgain);
		await choosePerson(second, 'Grace Hopper');
		await second.getByText('You chose grace@example.test').waitFor();
		await second.close();
		await page.bringToFront();
		await clickDialogButton(page, 'Use This Account');
		await accountRow(page, /grace@example\.test/).waitFor();
		await accountRow(page, /ada@example\.test/).waitFor();
		assert.equal(await dialog(page).count(), 0);
		await shoot(page, 'two-accounts');
		assert.match(await whoAmI(page), /You are Ada Lovelace/);
	});

	async function signInAgain(): Promise<void> {
		await accountRow(page, /ada@example\.test/).click({ button: 'right' });
		await chooseMenu(page, 'Sign In');
	}
});
