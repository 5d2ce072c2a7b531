/**
 * Every command of package.json, carried out by a person in a window with the demo service, in an order in which each has
 * something to do. `commands.test.ts` goes through it; `test/unit/commandSteps.test.ts` fails when a command is missing.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import type { Bucket } from '../../src/auth/buckets/state.ts';
import type { CommandId } from '../../src/views/ids.ts';
import type { Server } from '../server/server.ts';
import { accountRow, clearNotifications, finishInBrowser, messageText, openedBy } from '../support/demoWindow.ts';
import type { SharedState } from '../support/sharedState.ts';
import { openTerminal, runInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, readLogs } from '../support/vscodeServer.ts';
import {
	answerInput,
	clickDialogButton,
	dialogText,
	notifications,
	pick,
	quickInput,
	quickInputRows,
} from '../support/workbench.ts';

export type CommandWindow = {
	readonly page: Page;
	readonly service: Server;
	readonly host: RunningVscodeServer;
	readonly state: SharedState;
	/** Of a tool that can be connected. */
	readonly toolFile: string;
	/** Runs the command from the palette. */
	palette(): Promise<void>;
	/** Chooses the command in the menu of a row. */
	menu(row: Locator): Promise<void>;
	/** Clicks the command's button in a row, which goes by that. */
	button(row: Locator): Promise<void>;
	/** Presses the keys that are bound to the command. */
	keys(): Promise<void>;
	/** Clicks the link of the command in a notification. */
	link(notification: Locator, label: RegExp): Promise<void>;
};

export type CommandStep = {
	readonly command: CommandId;
	/** What comes of it. */
	readonly does: string;
	readonly run: (window: CommandWindow) => Promise<void>;
};

const ADA = 'ada@example.test';
const GRACE = 'grace@example.test';
const HOUR_MS = 3_600_000;

/** What an account's row says. */
async function rowSays(page: Page, row: RegExp, words: RegExp): Promise<void> {
	await until(`${row} says ${words}`, async () =>
		words.test(
			(await accountRow(page, row)
				.getAttribute('aria-label')
				.catch(() => null)) ?? '',
		),
	);
}

const cooldown = (): Bucket['cooldown'] => ({
	...{ reason: 'quota', rule: 'usage-limit', sinceMs: Date.now(), untilMs: Date.now() + 2 * HOUR_MS, times: 1 },
});

async function order({ state }: CommandWindow): Promise<string[]> {
	return ((await state.read()).providers.demo?.buckets ?? []).map(({ account }) => account.label);
}

const editor = (page: Page): Locator => page.locator('.editor-instance .view-lines');

export const COMMAND_STEPS: readonly CommandStep[] = [
	{
		command: 'agentAuth.openWalkthrough',
		does: 'shows the walkthrough',
		async run({ page, palette }) {
			await palette();
			await page.locator('.gettingStartedContainer').getByText('Get Started with Agent Auth').first().waitFor();
			await page.keyboard.press('Escape');
		},
	},
	{
		command: 'agentAuth.showLog',
		does: 'shows the log',
		async run({ page, palette }) {
			await palette();
			await page.locator('.part.panel').getByText('[info]').first().waitFor();
		},
	},
	{
		command: 'agentAuth.signIn',
		does: 'opens the page of the service',
		async run({ page, palette, service }) {
			const login = await openedBy(page, async () => {
				await palette();
				await pick(page, 'Demo Service');
			});
			await login.getByRole('button', { name: 'Sign in as Ada Lovelace' }).waitFor();
			assert.ok(login.url().startsWith(service.issuer));
		},
	},
	{
		command: 'agentAuth.signInStep',
		does: 'copies the link of the running sign-in',
		async run({ page, link, service }) {
			await page.bringToFront();
			await link(notifications(page, /Signing in to Demo Service/), /Copy.Link/);
			await until('the link is in the clipboard', async () =>
				(await page.evaluate<string>('navigator.clipboard.readText()')).startsWith(service.issuer),
			);
			const login = page
				.context()
				.pages()
				.find((one) => one.url().startsWith(service.issuer));
			assert.ok(login);
			await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo Service/);
			await accountRow(page, /ada@example/).waitFor();
		},
	},
	{
		command: 'agentAuth.addAccount',
		does: 'adds a second account',
		async run({ page, palette, state }) {
			const login = await openedBy(page, async () => {
				await palette();
				await pick(page, 'Demo Service');
			});
			await finishInBrowser(login, 'Grace Hopper', /^Signed in to Demo Service/);
			await accountRow(page, /grace@example/).waitFor();
			await clearNotifications(page);
			await state.bucket('demo', ADA, (bucket) => ({ ...bucket, owner: 'work', billing: 'organisation' }));
			await state.bucket('demo', GRACE, (bucket) => ({
				...bucket,
				automatic: true,
				owner: 'work',
				billing: 'metered',
			}));
			await rowSays(page, /grace@example/, /metered/);
		},
	},
	{
		command: 'agentAuth.addApiKey',
		does: 'stores a key',
		async run({ page, palette }) {
			await palette();
			await pick(page, 'OpenAI');
			await answerInput(page, 'sk-typed-by-hand');
			await quickInput(page).getByText('A name for this key').waitFor();
			await answerInput(page, 'Typed key');
			await accountRow(page, /Typed key/).waitFor();
		},
	},
	{
		command: 'agentAuth.importKeys',
		does: 'stores the key of the environment',
		async run({ page, palette }) {
			await palette();
			await pick(page, 'Environment of VS Code');
			await quickInputRows(page).filter({ hasText: 'OPENAI_API_KEY' }).first().waitFor();
			await quickInput(page).getByRole('button', { name: 'OK' }).click();
			assert.match(await dialogText(page), /Store this key\?/);
			await clickDialogButton(page, 'Store');
			await accountRow(page, /OPENAI_API_KEY/).waitFor();
			await clearNotifications(page);
		},
	},
	{
		command: 'agentAuth.addReference',
		does: 'adds a command that prints a token',
		async run({ page, palette }) {
			await palette();
			await pick(page, 'Demo Service');
			await pick(page, 'printer');
			await accountRow(page, /printer/).waitFor();
			await clearNotifications(page);
		},
	},
	{
		command: 'agentAuth.renameBucket',
		does: 'renames the account',
		async run({ page, menu }) {
			await menu(accountRow(page, /ada@example/));
			await answerInput(page, 'Team');
			await accountRow(page, /^Team/).waitFor();
		},
	},
	{
		command: 'agentAuth.moveDown',
		does: 'puts the account behind the next one',
		async run(window) {
			await window.menu(accountRow(window.page, /^Team/));
			await until('Grace is first', async () => (await order(window))[0] === GRACE);
			await rowSays(window.page, /grace@example/, /in use/);
		},
	},
	{
		command: 'agentAuth.moveUp',
		does: 'puts it in front again',
		async run(window) {
			await window.menu(accountRow(window.page, /^Team/));
			await until('Ada is first', async () => (await order(window))[0] === ADA);
			await rowSays(window.page, /^Team/, /in use/);
		},
	},
	{
		command: 'agentAuth.disableBucket',
		does: 'switches the account off',
		async run({ page, menu }) {
			await menu(accountRow(page, /grace@example/));
			await rowSays(page, /grace@example/, /switched off/);
		},
	},
	{
		command: 'agentAuth.enableBucket',
		does: 'switches it on',
		async run({ page, menu, state }) {
			await menu(accountRow(page, /grace@example/));
			await until('it is on', async () =>
				(await state.read()).providers.demo?.buckets.every(({ disabled }) => disabled !== true),
			);
		},
	},
	{
		command: 'agentAuth.describeBucket',
		does: 'says whose it is',
		async run({ page, menu }) {
			await menu(accountRow(page, /grace@example/));
			await pick(page, 'Personal');
			await rowSays(page, /grace@example/, /personal, metered/);
		},
	},
	{
		command: 'agentAuth.excludeFromAutomatic',
		does: 'keeps the account out of Automatic',
		async run({ page, menu }) {
			await menu(accountRow(page, /grace@example/));
			await rowSays(page, /grace@example/, /not in Automatic/);
		},
	},
	{
		command: 'agentAuth.includeInAutomatic',
		does: 'takes it back in',
		async run({ page, menu }) {
			await menu(accountRow(page, /grace@example/));
			await until('it is in Automatic', async () => (await accountRow(page, /not in Automatic/).count()) === 0);
		},
	},
	{
		command: 'agentAuth.decideCrossing',
		does: 'lets an account that is billed differently stand in',
		async run({ page, palette, state }) {
			await state.bucket('demo', ADA, (bucket) => ({ ...bucket, cooldown: cooldown() }));
			await rowSays(page, /grace@example/, /decision needed/);
			await clearNotifications(page);
			await palette();
			await pick(page, GRACE);
			await pick(page, 'Always');
			await rowSays(page, /grace@example/, /in use/);
		},
	},
	{
		command: 'agentAuth.endCooldown',
		does: 'uses the exhausted account again',
		async run({ page, menu }) {
			await rowSays(page, /^Team/, /back /);
			await menu(accountRow(page, /^Team/));
			await rowSays(page, /^Team/, /in use/);
		},
	},
	{
		command: 'agentAuth.bindWorkspace',
		does: 'ties the workspace to an account',
		async run({ page, palette }) {
			await palette();
			await pick(page, 'Demo Service');
			await pick(page, GRACE);
			await messageText(page, /This workspace is tied to the account "grace@example\.test"/);
			await rowSays(page, /grace@example/, /tied to this workspace/);
		},
	},
	{
		command: 'agentAuth.unbindWorkspace',
		does: 'unties it',
		async run({ page, palette }) {
			await palette();
			await pick(page, 'Demo Service');
			await messageText(page, /This workspace follows the order of the accounts/);
			await rowSays(page, /^Team/, /in use/);
		},
	},
	{
		command: 'agentAuth.refresh',
		does: 'renews the token',
		async run({ page, menu, service }) {
			const before = service.refreshes();
			await menu(accountRow(page, /^Team/));
			await until('it was renewed', () => service.refreshes() > before);
		},
	},
	{
		command: 'agentAuth.retryVault',
		does: 'reads the accounts again, and they are there',
		async run({ page, palette, host }) {
			const times = async (): Promise<number> =>
				(await readLogs(host.logsDir, /Agent Auth\.log$/)).split('key and accounts were read again').length - 1;
			const before = await times();
			await palette();
			await until('it is logged', async () => (await times()) > before);
			await rowSays(page, /^Team/, /in use/);
		},
	},
	{
		command: 'agentAuth.showCoordination',
		does: 'shows leases and generations',
		async run({ page, palette }) {
			await palette();
			await editor(page).getByText('generation').first().waitFor();
		},
	},
	{
		command: 'agentAuth.doctor',
		does: 'asks the service',
		async run({ page, palette }) {
			await palette();
			await quickInput(page)
				.getByText(/Demo Service accepts the token/)
				.first()
				.waitFor();
			await page.keyboard.press('Escape');
		},
	},
	{
		command: 'agentAuth.copyDiagnostics',
		does: 'fills the clipboard',
		async run({ page, palette }) {
			await palette();
			await messageText(page, /diagnostics are in the clipboard/);
			assert.match(await page.evaluate<string>('navigator.clipboard.readText()'), /Agent Auth: diagnostics/);
		},
	},
	{
		command: 'agentAuth.newTokenTerminal',
		does: 'opens a terminal that has the token',
		async run({ page, palette }) {
			await palette();
			await pick(page, 'Demo Service');
			assert.match(await dialogText(page), /Every program in it can read the token/);
			await clickDialogButton(page, 'Open Terminal');
			await page.locator('.part.panel').getByText('Demo Service token').first().waitFor();
		},
	},
	{
		command: 'agentAuth.revokeAccess',
		does: 'takes back what a terminal was allowed',
		async run({ page, button, host }) {
			await openTerminal(page);
			const asked = runInTerminal(page, host.folder, 'agent-auth token demo');
			await clickDialogButton(page, 'Allow in This Terminal');
			assert.equal((await asked).status, 0);
			const decision = page.locator('.part.sidebar').getByRole('treeitem', { name: /Demo Service, allowed/ });
			await decision.waitFor();
			await button(decision);
		},
	},
	{
		command: 'agentAuth.connectTool',
		does: 'changes the file of the tool after a yes',
		async run({ page, palette, toolFile }) {
			await palette();
			await pick(page, 'Claude Code');
			await pick(page, 'OpenAI');
			await pick(page, 'Apply');
			await clickDialogButton(page, 'Use This Service');
			await until('the tool is connected', async () => /apiKeyHelper/.test(await readFile(toolFile, 'utf8')));
			await clearNotifications(page);
		},
	},
	{
		command: 'agentAuth.disconnectTool',
		does: 'takes the change back',
		async run({ page, palette, toolFile }) {
			await palette();
			await pick(page, 'Claude Code');
			await pick(page, 'Apply');
			await until('the tool is as it was', async () => !/apiKeyHelper/.test(await readFile(toolFile, 'utf8')));
		},
	},
	{
		command: 'agentAuth.manageTrustedExtensions',
		does: "opens VS Code's own list",
		async run({ page, palette }) {
			await palette();
			await pick(page, 'Demo Service');
			await pick(page, 'Automatic');
			await quickInput(page).getByText('Has not used this account').first().waitFor();
			await page.keyboard.press('Escape');
		},
	},
	{
		command: 'agentAuth.report',
		does: 'refuses what is no report, to the caller',
		async run({ page, keys }) {
			await clearNotifications(page);
			await keys();
			await messageText(page, /a report is \{ provider, tokenDigest/);
		},
	},
	{
		command: 'agentAuth.addProvider',
		does: 'writes the setting',
		async run({ page, palette, host }) {
			await palette();
			await pick(page, 'API key');
			await answerInput(page, 'Another One');
			await messageText(page, /The service was added/);
			assert.match(await readFile(host.settingsPath, 'utf8'), /"label": "Another One"/);
			await clearNotifications(page);
		},
	},
	{
		command: 'agentAuth.signOut',
		does: 'forgets the account',
		async run({ page, menu }) {
			await menu(accountRow(page, /Typed key/));
			await pick(page, 'Forget Here');
			if ((await accountRow(page, /Typed key/).count()) > 0) await clickDialogButton(page, /^Sign Out/);
			await accountRow(page, /Typed key/).waitFor({ state: 'detached' });
		},
	},
	{
		command: 'agentAuth.removeAllData',
		does: 'removes everything after one question',
		async run({ page, palette, host, service }) {
			await palette();
			assert.match(await dialogText(page), /Remove all data of Agent Auth\?/);
			await clickDialogButton(page, 'Remove All Data');
			await messageText(page, /All data of Agent Auth was removed/);
			await accountRow(page, /^Team/).waitFor({ state: 'detached' });
			const settings = await readFile(path.join(host.settingsPath), 'utf8');
			assert.ok(settings.includes(service.clientId), 'the settings stay');
		},
	},
];
