/**
 * Without a mouse, and with a screen reader: signing in, the accounts, and the question of a terminal. Each place is reached
 * by keys only and judged by what the accessibility tree of the browser says of it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import { openedBy } from '../support/demoWindow.ts';
import { type ScreenReader, screenReader } from '../support/screenReader.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { openTerminal, runInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { dialog, dialogText } from '../support/workbench.ts';

describe('without a mouse', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let profile: BrowserContext;
	let page: Page;
	let reader: ScreenReader;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer({ accessTokenLifeS: 3600 });
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH], settings: demoSettings(service) });
		browser = await launchBrowser();
		profile = await newProfile(browser);
		shoot = await screenshotsOf('keyboard');
		page = await openWindow(profile, host);
		reader = await screenReader(page);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	it('signs in: the waiting message is heard and can be worked with, and so are the pages in the browser', async () => {
		const login = await openedBy(page, () => reader.command('Agent Auth: Sign In'));
		await reader.hears(/Signing in to Demo Service/);
		await page.bringToFront();
		await reader.command('Notifications: Focus Notification Toast');
		const toast = await until('the message has the focus', async () => {
			const place = await reader.focused();
			return /Signing in to Demo Service/.test(place.name) && place;
		});
		await shoot(page, 'waiting');
		assert.equal(toast.role, 'dialog');
		for (const [role, name] of [
			['button', /^Cancel$/],
			['link', /^Open Again$/],
			['link', /^Copy Link$/],
			['link', /^Another Way…$/],
		] as const) {
			const place = await reader.goTo(name);
			assert.equal(place.role, role);
			assert.doesNotMatch(place.description, /agentAuth|command/);
		}

		await login.bringToFront();
		const loginReader = await screenReader(login);
		await loginReader.goTo(/Sign in as Ada Lovelace/);
		await login.keyboard.press('Enter');
		await login.getByRole('heading', { name: /^Signed in to Demo Service/ }).waitFor();
		assert.match(await login.title(), /Signed in|Agent Auth/);
		assert.equal(await login.getByRole('heading', { level: 1 }).count(), 1);
		await login.close();
		await page.bringToFront();
		await reader.hears(/ada@example\.test/);
	});

	it('says of an account whose it is and how it is, and offers by keys what the mouse can', async () => {
		await reader.command('View: Show Agent Auth');
		await reader.command('View: Focus into Primary Side Bar');
		const row = await reader.goTo(/ada@example\.test/, 'ArrowDown');
		await shoot(page, 'row');
		assert.equal(row.role, 'treeitem');
		assert.match(row.name, /Demo Service/);
		await page.keyboard.press('Shift+F10');
		const rename = await reader.goTo(/^Rename Account/, 'ArrowDown');
		assert.equal(rename.role, 'menuitem');
		await page.keyboard.press('Enter');
		await until('the name is asked', async () => (await reader.focused()).role === 'textbox');
		assert.match(JSON.stringify(await reader.focused()), /name/i);
		await page.keyboard.press('Control+a');
		await page.keyboard.insertText('work');
		await page.keyboard.press('Enter');
		await page.getByRole('treeitem', { name: /work/ }).waitFor();
		const renamed = await reader.goTo(/work/, 'ArrowDown');
		assert.equal(renamed.role, 'treeitem');
	});

	it('asks for a terminal in words that are all heard, and can be answered by keys', async () => {
		await openTerminal(page);
		const asked = runInTerminal(page, host.folder, 'agent-auth token demo');
		asked.catch(() => undefined);
		await dialog(page).waitFor();
		await shoot(page, 'question');
		await until('the focus is on a button', async () => (await reader.focused()).role === 'button');
		// VS Code gives the dialog the whole question as its name.
		assert.match((await dialog(page).getAttribute('aria-label')) ?? (await dialogText(page)), /Demo Service/);
		await reader.goTo(/^Allow in This Terminal/);
		await page.keyboard.press('Enter');
		const result = await asked;
		assert.equal(result.status, 0, result.stderr);
		assert.ok(service.secrets().includes(result.stdout.trim()));
	});
});
