/** Two real windows live through many expiries of short tokens: both always served, nothing ever sent twice. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { clickDialogButton, notifications, runCommand } from '../support/workbench.ts';

const TOKEN_LIFE_S = 20;
const ROTATIONS = 5;

describe('two windows over several rotations', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let profile: BrowserContext;

	before(async () => {
		service = await startServer({ accessTokenLifeS: TOKEN_LIFE_S });
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH], settings: demoSettings(service) });
		browser = await launchBrowser();
		profile = await newProfile(browser);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	async function assertServed(page: Page): Promise<void> {
		await runCommand(page, 'Notifications: Clear All Notifications');
		await runCommand(page, 'Demo Consumer: Who am I?');
		const answer = notifications(page, /You are|Nobody|refused|No session|cannot be reached/).first();
		await answer.waitFor();
		assert.match(await answer.innerText(), /You are Ada/);
	}

	it('serves both all the time, with one refresh per expiry and none sent twice', async () => {
		const first = await openWindow(profile, host);
		await runCommand(first, 'Demo Consumer: Who am I?');
		const opening = profile.waitForEvent('page');
		await clickDialogButton(first, 'Allow');
		const login = await opening;
		await login.getByRole('button', { name: 'Sign in as Ada Lovelace' }).click();
		await notifications(first, /You are Ada Lovelace/).waitFor();
		await login.close();
		const signedInAt = Date.now();
		const second = await openWindow(profile, host);
		while (service.refreshes() < ROTATIONS) {
			await assertServed(first);
			await assertServed(second);
		}
		const expiries = (Date.now() - signedInAt) / (TOKEN_LIFE_S * 1000);
		console.log(`${service.refreshes()} refreshes in ${expiries.toFixed(1)} token lives, ${service.reuses()} reuses`);
		assert.equal(service.reuses(), 0);
		assert.equal(service.resent().size, 0);
		// Renewed at three quarters of its life at the earliest: so many refreshes fit into the time, and no more.
		assert.ok(service.refreshes() <= expiries / 0.75 + 1, `${service.refreshes()} refreshes`);
		assert.equal(service.count('code'), 1);
	});
});
