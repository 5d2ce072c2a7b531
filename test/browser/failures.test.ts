/**
 * Sign-ins that go wrong, by real clicks: each says in plain words what happened, in the window and where the browser
 * waits, keeps nothing, and does not stand in the way of the next try.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type Server as HttpServer } from 'node:http';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import type { Fault, Undo } from '../server/faults.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import {
	askAndAllow,
	choosePerson,
	clearNotifications,
	finishInBrowser,
	messageText,
	openedBy,
	signInByConsumer,
	signInProgress,
	signOut,
} from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { until } from '../support/until.ts';
import { vaultOf } from '../support/vaultFolder.ts';
import { type RunningVscodeServer, readLogs, startVscodeServer } from '../support/vscodeServer.ts';
import { clickNotificationButton, notifications, pick, runCommand } from '../support/workbench.ts';

describe('sign-ins that fail', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let profile: BrowserContext;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;
	/** Whatever else listens on the port of the redirect. */
	let other: HttpServer;
	let otherPort: number;
	const faults: Undo[] = [];

	before(async () => {
		service = await startServer();
		other = createServer((_request, response) => response.end('somebody else'));
		otherPort = await listenOn(other, 0);
		const settings = demoSettings(service);
		const providers = Object.assign({}, settings['agentAuth.providers'], {
			fixed: {
				type: 'oidc',
				label: 'Fixed Port',
				issuer: service.issuer,
				clientId: service.clientId,
				redirectPort: otherPort,
			},
		});
		host = await startVscodeServer({
			vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH],
			settings: { ...settings, 'agentAuth.providers': providers },
		});
		browser = await launchBrowser();
		profile = await newProfile(browser);
		page = await openWindow(profile, host);
		shoot = await screenshotsOf('failures');
	});

	/** After every failure: nothing was kept, nothing secret was logged, and the next try works. */
	afterEach(async () => {
		for (const fault of faults.splice(0)) fault.dispose();
		assert.deepEqual(await sealedRecords(), []);
		await signInByConsumer(page, 'Ada Lovelace');
		await signOut(page);
		const log = await readLogs(host.logsDir, /Agent Auth\.log$/);
		for (const secret of service.secrets()) assert.equal(log.includes(secret), false);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
		other?.close();
	});

	function withFault(fault: Fault): void {
		faults.push(service.fault(fault));
	}

	async function sealedRecords(): Promise<string[]> {
		const records = await vaultOf(host).records();
		const texts = await Promise.all(records.map((record) => readFile(record, 'utf8')));
		return texts.filter((text) => JSON.parse(text).kind !== 'signedOut');
	}

	/** Begins a sign-in by the command; answers the page of the service. */
	async function beginSignIn(): Promise<Page> {
		await clearNotifications(page);
		return openedBy(page, addAccount);
	}

	async function addAccount(label = 'Demo Service'): Promise<void> {
		await runCommand(page, 'Agent Auth: Add Account');
		await page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().click();
	}

	async function failsWith(text: RegExp, picture: string): Promise<void> {
		await messageText(page, text);
		await until('the progress is gone', async () => (await signInProgress(page).count()) === 0);
		await shoot(page, picture);
	}

	it('because of a wrong state: the page is not believed, and the sign-in waits for the right one until it is cancelled', async () => {
		withFault({ redirect: { state: 'of-somebody-else' } });
		const login = await beginSignIn();
		await choosePerson(login, 'Ada Lovelace');
		await login.getByText('This answer of Demo Service was not taken').waitFor();
		await shoot(login, 'wrong-state-page');
		assert.equal(service.count('code'), 0);
		await signInProgress(page).getByText('the browser came back from an earlier attempt').waitFor();
		await shoot(page, 'wrong-state');
		await signInProgress(page).hover();
		await signInProgress(page).getByRole('button', { name: 'Cancel' }).click();
		await until('the progress is gone', async () => (await signInProgress(page).count()) === 0);
		assert.equal(await notifications(page, /Demo Service/).count(), 0);
		await login.close();
	});

	it('because of a wrong issuer, told to the extension that asked', async () => {
		withFault({ redirect: { iss: 'https://evil.example' } });
		const before = service.count('code');
		const login = await openedBy(page, () => askAndAllow(page));
		await choosePerson(login, 'Ada Lovelace');
		await login.getByText('Could not sign in to Demo Service').waitFor();
		await shoot(login, 'wrong-issuer-page');
		await failsWith(
			/No session: Demo Service gave an answer that cannot be accepted\. Nothing was stored/,
			'wrong-issuer',
		);
		assert.equal(service.count('code'), before);
		await login.close();
	});

	it('because the person says no at the service', async () => {
		const login = await beginSignIn();
		await login.getByRole('button', { name: 'Cancel' }).click();
		await login.getByText('Demo Service did not allow the sign-in').waitFor();
		await shoot(login, 'denied-page');
		await failsWith(/The sign-in to Demo Service was declined/, 'denied');
		await login.close();
	});

	it('because the service refuses the code', async () => {
		withFault({ on: 'code', oauthError: 'invalid_client' });
		const login = await beginSignIn();
		await choosePerson(login, 'Ada Lovelace');
		await login.getByText('Could not sign in to Demo Service').waitFor();
		await shoot(login, 'refused-page');
		await failsWith(
			/The settings of Demo Service are wrong or incomplete: see demo\.clientId\. \(invalid_client, HTTP 400\)/,
			'refused',
		);
		await login.close();
	});

	it('because the browser was closed: it can be opened again', async () => {
		const closed = await beginSignIn();
		await closed.close();
		await shoot(page, 'closed-browser');
		const login = await openedBy(page, () => signInProgress(page).getByText('Open Again').click());
		await finishInBrowser(login, 'Grace Hopper', /^Signed in to Demo Service as grace@example\.test/);
		await messageText(page, /Signed in to Demo Service as grace@example\.test/);
		await signOut(page);
	});

	it('because the port of the redirect is taken', async () => {
		await clearNotifications(page);
		await addAccount('Fixed Port');
		await failsWith(/Port \d+, .* is in use by another program.*fixed\.redirectPort/, 'port-in-use');
		await new Promise((resolve) => other.close(resolve));
		await clearNotifications(page);
		const login = await openedBy(page, () => addAccount('Fixed Port'));
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Fixed Port/);
		await messageText(page, /Signed in to Fixed Port as ada@example\.test/);
		await runCommand(page, 'Agent Auth: Sign Out');
		await pick(page, /^Forget Here/);
		await page.locator('.monaco-dialog-box .monaco-button', { hasText: /^Sign Out/ }).click();
		await until('it is signed out', async () => (await sealedRecords()).length === 0);
	});

	it('because the service is down at the start', async () => {
		// A new window knows nothing of the service yet.
		await page.close();
		page = await openWindow(profile, host);
		await service.down();
		try {
			await clearNotifications(page);
			await addAccount();
			await failsWith(/Demo Service cannot be reached right now\. Nothing was changed/, 'down');
		} finally {
			await service.up();
		}
		// The message offers the next step where there is one.
		await clickNotificationButton(page, /cannot be reached/, 'Show Log');
		await page.locator('.part.panel .view-line', { hasText: 'transient' }).first().waitFor();
		await shoot(page, 'down-log');
		await runCommand(page, 'View: Toggle Panel Visibility');
	});

	it('because the service goes down before it has given the tokens', async () => {
		withFault({ on: 'code', drop: 'before' });
		const login = await beginSignIn();
		await choosePerson(login, 'Ada Lovelace');
		await login.getByText('Could not sign in to Demo Service').waitFor();
		await shoot(login, 'lost-page');
		await failsWith(/Demo Service cannot be reached right now\. Nothing was changed/, 'lost');
		await login.close();
	});
});

function listenOn(server: HttpServer, port: number): Promise<number> {
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen({ host: '127.0.0.1', port }, () => {
			const address = server.address();
			resolve(typeof address === 'object' && address !== null ? address.port : 0);
		});
	});
}
