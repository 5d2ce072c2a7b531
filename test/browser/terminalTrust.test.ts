/** A terminal that was allowed in a trusted workspace outlives that trust: from then on it is given nothing. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { announcedWindows } from '../support/announcedWindows.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import { finishInBrowser, openedBy } from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { openTerminal, runInTerminal, typeInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { clickDialogButton, dialog, runCommand } from '../support/workbench.ts';

describe('a terminal whose workspace is not trusted any more', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer();
		host = await startVscodeServer({
			vsixPaths: [VSIX_PATH],
			workspaceTrust: true,
			settings: { ...demoSettings(service), 'security.workspace.trust.startupPrompt': 'never' },
		});
		browser = await launchBrowser();
		page = await openWindow(await newProfile(browser), host);
		shoot = await screenshotsOf('terminal-trust');
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	const restricted = () => page.locator('.statusbar-item', { hasText: 'Restricted Mode' });

	async function trust(): Promise<void> {
		await restricted().click();
		await page.getByRole('button', { name: 'Trust', exact: true }).click();
		await restricted().waitFor({ state: 'detached' });
	}

	/** The folder leaves the list of the trusted ones, which makes VS Code start its extensions anew. */
	async function withdrawTrust(): Promise<void> {
		await runCommand(page, 'Workspaces: Manage Workspace Trust');
		const row = page.locator('.workspace-trust-editor .monaco-list-row', { hasText: host.workspace });
		await row.scrollIntoViewIfNeeded();
		await row.hover();
		await row.getByRole('button', { name: 'Delete Path' }).click();
		await restricted().waitFor();
	}

	it('had a token, and gets none in Restricted Mode', async () => {
		await trust();
		const login = await openedBy(page, () => runCommand(page, 'Agent Auth: Sign In'));
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo Service/);
		await openTerminal(page);
		const asked = runInTerminal(page, host.folder, 'agent-auth token demo');
		await clickDialogButton(page, 'Allow in This Workspace');
		const given = await asked;
		assert.deepEqual([given.status, given.stderr], [0, '']);

		// VS Code does not show the terminals of a workspace that it does not trust. The shell goes on all the same.
		const file = (name: string): string => path.join(host.folder, name);
		const wait = `until [ -e ${file('go')} ]; do read -t 0.1; done`;
		// While VS Code starts its extensions anew there is no window, or one that does not answer yet.
		const ask = `s=6; while [ $s = 6 ] || [ $s = 4 ]; do agent-auth token demo >${file('out')} 2>${file('err')}; s=$?; done`;
		await typeInTerminal(
			page,
			`${wait}; ${ask}; echo $s >${file('status.new')}; mv ${file('status.new')} ${file('status')}`,
		);
		const trusted = await announcedWindows(host);
		await withdrawTrust();
		// VS Code says so before it reloads the window, and until then its extensions are told that there is trust.
		await until('the window was reloaded', async () => {
			const now = await announcedWindows(host);
			return now.length > 0 && !now.some((name) => trusted.includes(name));
		});
		await writeFile(file('go'), '');
		const status = await until('the shell has an answer', () =>
			readFile(file('status'), 'utf8').catch(() => undefined),
		);
		assert.equal(status, '5\n');
		assert.equal(await readFile(file('out'), 'utf8'), '');
		assert.match(
			await readFile(file('err'), 'utf8'),
			/the workspace is in Restricted Mode\. Trust it in VS Code and try again/,
		);
		assert.equal(await dialog(page).filter({ hasText: 'Demo Service' }).count(), 0);
		await shoot(page, 'restricted');
	});
});
