/**
 * The main job in a real VS Code with the packaged extension and real clicks: sign in once from a consumer's request, and
 * every window, extension and terminal has a working token; one refresh when it expires; sign out everywhere.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { openTerminal, runInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import {
	chooseMenu,
	clickDialogButton,
	closeMenu,
	dialogText,
	menuLabels,
	notifications,
	openAccountsMenu,
	runCommand,
} from '../support/workbench.ts';

const TOKEN_IN_MESSAGE = /token ([0-9a-f]{8})/;

describe('the main job, by real clicks', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let profile: BrowserContext;
	let first: Page;
	let second: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer({ accessTokenLifeS: 3600 });
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH], settings: demoSettings(service) });
		browser = await launchBrowser();
		profile = await newProfile(browser);
		shoot = await screenshotsOf('main-job');
		first = await openWindow(profile, host);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	/** Asks the consumer who it is and answers its message. */
	async function whoAmI(page: Page, title = 'Demo Consumer: Who am I?'): Promise<string> {
		await runCommand(page, 'Notifications: Clear All Notifications');
		await runCommand(page, title);
		const message = notifications(page, /You are|Nobody|refused|No session|cannot be reached/);
		await message.first().waitFor();
		return (await message.first().innerText()).replaceAll('\u00a0', ' ');
	}

	async function tokenOf(page: Page): Promise<string> {
		const message = await whoAmI(page, 'Demo Consumer: Who am I? (silently)');
		return TOKEN_IN_MESSAGE.exec(message)?.[1] ?? assert.fail(message);
	}

	it('signs in from the request of a consumer, with consent and at the own page of the service', async () => {
		await runCommand(first, 'Demo Consumer: Who am I?');
		assert.match(await dialogText(first), /Demo Consumer.*wants to sign in using Demo Service/s);
		await shoot(first, 'consent');
		const opening = profile.waitForEvent('page');
		await clickDialogButton(first, 'Allow');
		const login = await opening;
		await login.getByRole('button', { name: 'Sign in as Ada Lovelace' }).waitFor();
		await shoot(first, 'waiting');
		await shoot(login, 'login-page');
		await login.getByRole('button', { name: 'Sign in as Ada Lovelace' }).click();
		await login.getByText('ada@example.test').waitFor();
		await shoot(login, 'result-page');
		await login.close();
		const message = notifications(first, /You are Ada Lovelace <ada@example.test>/);
		await message.waitFor();
		await shoot(first, 'who-am-i');
		assert.equal(service.count('code'), 1);
	});

	it('shows the account in the Accounts menu and in the tree', async () => {
		await openAccountsMenu(first);
		const labels = await menuLabels(first);
		await shoot(first, 'accounts-menu');
		assert.ok(
			labels.some((label) => label.startsWith('Automatic (Demo Service)')),
			labels.join(', '),
		);
		assert.ok(
			labels.some((label) => label.startsWith('ada@example.test (Demo Service)')),
			labels.join(', '),
		);
		await closeMenu(first);
		await runCommand(first, 'View: Show Agent Auth');
		await first.getByRole('treeitem', { name: /ada@example\.test/ }).waitFor();
		await shoot(first, 'tree');
	});

	it('gives the token to a real terminal, asking once', async () => {
		await openTerminal(first);
		const asked = runInTerminal(first, host.folder, 'agent-auth token demo');
		assert.match(await dialogText(first), /Demo Service/);
		await shoot(first, 'terminal-consent');
		await clickDialogButton(first, 'Allow in This Terminal');
		const result = await asked;
		assert.equal(result.status, 0, result.stderr);
		const answer = await fetch(service.whoamiUrl, { headers: { authorization: `Bearer ${result.stdout.trim()}` } });
		assert.equal(((await answer.json()) as { email: string }).email, 'ada@example.test');
		const again = await runInTerminal(first, host.folder, 'agent-auth token demo');
		assert.equal(again.status, 0, again.stderr);
		assert.equal(again.stdout, result.stdout);
		const environment = await runInTerminal(first, host.folder, 'env');
		for (const secret of service.secrets()) assert.equal(environment.stdout.includes(secret), false);
		await shoot(first, 'terminal');
	});

	it('serves the same token in a second window without a sign-in', async () => {
		second = await openWindow(profile, host);
		const message = await whoAmI(second);
		assert.match(message, /You are Ada Lovelace/);
		assert.equal(TOKEN_IN_MESSAGE.exec(message)?.[1], await tokenOf(first));
		assert.equal(service.count('code'), 1);
		await shoot(second, 'second-window');
	});

	it('refreshes once for both windows when the token has expired', async () => {
		service.setAccessTokenLife(20);
		await runCommand(first, 'Agent Auth: Renew Token');
		const short = await until('a token of 20 s is in use', async () => service.refreshes() === 1 && tokenOf(first));
		service.setAccessTokenLife(3600);
		await until('it was refreshed before it ended', () => service.refreshes() === 2, 40_000);
		const tokens = await Promise.all([tokenOf(first), tokenOf(second)]);
		assert.equal(tokens[0], tokens[1]);
		assert.notEqual(tokens[0], short);
		assert.equal(service.refreshes(), 2);
		assert.equal(service.reuses(), 0);
	});

	it('signs out in both windows and at the service', async () => {
		await openAccountsMenu(first);
		await chooseMenu(first, /^ada@example\.test \(Demo Service\)/, 'Sign Out');
		await shoot(first, 'sign-out');
		await clickDialogButton(first, /^Sign Out/);
		await until('the service was told', () => service.revocations().length > 0);
		for (const page of [first, second]) {
			const message = await whoAmI(page, 'Demo Consumer: Who am I? (silently)');
			assert.match(message, /Nobody is signed in/);
			await openAccountsMenu(page);
			const labels = await menuLabels(page);
			assert.equal(
				labels.some((label) => label.includes('Demo Service') && !label.startsWith('Sign in')),
				false,
				labels.join(', '),
			);
			await closeMenu(page);
		}
		await shoot(second, 'signed-out');
	});
});
