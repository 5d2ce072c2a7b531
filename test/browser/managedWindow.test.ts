/**
 * Windows by their settings: nothing is given in Restricted Mode, services are added by questions, an API key is a
 * service like any other, and a wrong entry is named and stops nobody else.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import { SCOPES } from '../server/client.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import {
	ASK,
	accountRow,
	askAndAllow,
	clearNotifications,
	finishInBrowser,
	messageText,
	openedBy,
	showAccounts,
	welcomeText,
	whoAmI,
} from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { openTerminal, runInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import {
	answerInput,
	clickDialogButton,
	clickNotificationButton,
	clickRowButton,
	dialogText,
	notifications,
	pick,
	quickInput,
	runCommand,
} from '../support/workbench.ts';

const VSIX_PATHS = [VSIX_PATH, CONSUMER_VSIX_PATH];

describe('a window in Restricted Mode', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer();
		host = await startVscodeServer({
			vsixPaths: VSIX_PATHS,
			workspaceTrust: true,
			settings: {
				...demoSettings(service),
				'security.workspace.trust.startupPrompt': 'never',
				// The consumer does not say that it can do without trust; a stranger may have been told to run all the same.
				'extensions.supportUntrustedWorkspaces': { 'agent-auth.consumer': { supported: true } },
			},
		});
		browser = await launchBrowser();
		page = await openWindow(await newProfile(browser), host);
		shoot = await screenshotsOf('restricted-mode');
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	it('gives nothing to an extension and says why', async () => {
		await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor();
		assert.match(
			await whoAmI(page),
			/No session: Agent Auth gives no access in Restricted Mode\. Trust this workspace/,
		);
		assert.match(await whoAmI(page, ASK), /No session: Agent Auth gives no access in Restricted Mode/);
		await shoot(page, 'extension');
		assert.equal(service.requests.length, 0);
	});

	it('gives nothing to a terminal and says why', async () => {
		// VS Code opens no terminal here, so the command is run as one of an earlier window would run it.
		const helper = path.join(host.globalStorage('agent-auth.agent-auth'), 'bin', 'agent-auth');
		await until('the command is there', () =>
			readFile(helper).then(
				() => true,
				() => false,
			),
		);
		const result = await until('the window answers', async () => {
			const run = await runHelper(helper, ['token', 'demo'], host.workspace);
			return run.stderr.includes('no VS Code window') ? undefined : run;
		});
		assert.notEqual(result.code, 0);
		assert.equal(result.stdout, '');
		assert.match(result.stderr, /the workspace is in Restricted Mode\. Trust it in VS Code and try again/);
	});

	it('gives it once the workspace is trusted', async () => {
		await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).click();
		await page.getByRole('button', { name: 'Trust', exact: true }).click();
		await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor({ state: 'detached' });
		const login = await openedBy(page, () => askAndAllow(page));
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo Service/);
		await messageText(page, /You are Ada Lovelace/);
		await shoot(page, 'trusted');
	});
});

describe('services in the settings', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	const KEYS = { type: 'apiKey', label: 'Model Keys' };
	const BAD = { type: 'oidc', label: 'Bad', issuer: 'http://login.example.com', clientId: 'x' };

	before(async () => {
		service = await startServer();
		host = await startVscodeServer({
			vsixPaths: VSIX_PATHS,
			settings: {
				'agentAuth.providers': { bad: BAD, keys: KEYS },
				'demoConsumer.whoamiUrl': service.whoamiUrl,
			},
		});
		browser = await launchBrowser();
		page = await openWindow(await newProfile(browser), host);
		shoot = await screenshotsOf('settings');
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	it('with one that is wrong: one message names entry and field, and the others are there', async () => {
		const message = await messageText(page, /agentAuth\.providers/);
		assert.equal(
			message,
			'bad.issuer in the setting agentAuth.providers: the address must begin with https (http only on this machine), so the service is left out.',
		);
		await shoot(page, 'bad-entry');
		assert.equal(await notifications(page, /agentAuth\.providers/).count(), 1);
		await showAccounts(page);
		await welcomeText(page, /Sign in once/);
	});

	it('gives an API key, added in the view, to a terminal', async () => {
		await clearNotifications(page);
		await page.locator('.part.sidebar .welcome-view-content:visible').getByRole('button', { name: 'Sign In' }).click();
		await quickInput(page).getByText('It is stored encrypted').waitFor();
		await shoot(page, 'key-question');
		await answerInput(page, 'sk-demo-0123456789');
		await quickInput(page).getByText('A name for this key').waitFor();
		await shoot(page, 'key-name');
		await answerInput(page, 'Team key');
		await accountRow(page, /Team key/).waitFor();
		await messageText(page, /The key "Team key" for Model Keys is stored/);
		await shoot(page, 'key-added');
		await openTerminal(page);
		const asked = runInTerminal(page, host.folder, 'agent-auth token keys');
		assert.match(await dialogText(page), /Model Keys/);
		await clickDialogButton(page, 'Allow in This Terminal');
		const result = await asked;
		assert.equal(result.status, 0, result.stderr);
		assert.equal(result.stdout, 'sk-demo-0123456789\n');
		const settings = await readFile(host.settingsPath, 'utf8');
		assert.equal(settings.includes('sk-demo'), false);
	});

	it('adds a second key by the row of the service', async () => {
		await clickRowButton(accountRow(page, /^Model Keys/), 'Add API Key');
		await answerInput(page, 'sk-demo-second');
		await quickInput(page).getByText('A name for this key').waitFor();
		await answerInput(page, 'Own key');
		await accountRow(page, /Own key/).waitFor();
		await accountRow(page, /Team key/).waitFor();
		await shoot(page, 'two-keys');
	});

	it('are added by questions, which write the setting and lead to a sign-in', async () => {
		await runCommand(page, 'Agent Auth: Add Provider');
		await quickInput(page).getByText('How does the service let you sign in').or(quickInput(page)).first().waitFor();
		await shoot(page, 'add-type');
		await pick(page, 'OpenID Connect');
		await quickInput(page).getByText('Name of the service').waitFor();
		await answerInput(page, 'Demo');
		await quickInput(page).getByText('Address of the issuer').waitFor();
		await answerInput(page, 'login.example.com');
		await quickInput(page).getByText('Enter a whole address').waitFor();
		await shoot(page, 'add-problem');
		await answerInput(page, service.issuer);
		await quickInput(page).getByText('Client id, as registered').waitFor();
		await answerInput(page, service.clientId);
		await quickInput(page).getByText('Scopes, separated by spaces').waitFor();
		await answerInput(page, SCOPES.join(' '));
		await messageText(page, /The service was added/);
		await shoot(page, 'added');
		const settings = JSON.parse(await readFile(host.settingsPath, 'utf8'));
		assert.deepEqual(settings['agentAuth.providers'], {
			bad: BAD,
			keys: KEYS,
			demo: {
				type: 'oidc',
				label: 'Demo',
				issuer: service.issuer,
				clientId: service.clientId,
				scopes: [...SCOPES],
			},
		});
		const login = await openedBy(page, () => clickNotificationButton(page, /was added/, 'Sign In'));
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo/);
		await accountRow(page, /ada@example\.test/).waitFor();
		await shoot(page, 'signed-in');
	});
});

type HelperResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function runHelper(helper: string, args: readonly string[], cwd: string): Promise<HelperResult> {
	try {
		const { stdout, stderr } = await promisify(execFile)(helper, [...args], { cwd, env: { PATH: '/usr/bin:/bin' } });
		return { code: 0, stdout, stderr };
	} catch (error) {
		if (!(error instanceof Error) || !('code' in error) || !('stderr' in error)) throw error;
		return { code: Number(error.code), stdout: '', stderr: String(error.stderr) };
	}
}
