/**
 * What people see, in the packaged extension and a real VS Code: every state of the accounts and what it offers, the list of
 * who has access, the status bar, the doctor and the walkthrough, in each kind of theme and by keyboard alone. The pictures
 * are in `test/output/screenshots/views` for people to look at.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import type { Bucket } from '../../src/auth/buckets/state.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow, windowReady } from '../support/browser.ts';
import {
	accountRow,
	clearNotifications,
	finishInBrowser,
	openedBy,
	showAccounts,
	signInByConsumer,
	welcomeText,
} from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { type SharedState, sharedStateOf } from '../support/sharedState.ts';
import { openTerminal, runInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer, writeSettings } from '../support/vscodeServer.ts';
import {
	clickDialogButton,
	clickRowButton,
	dialogText,
	menuLabels,
	notifications,
	pick,
	quickInput,
	quickInputRows,
	runCommand,
} from '../support/workbench.ts';

const ADA = 'ada@example.test';
const GRACE = 'grace@example.test';
const HOUR_MS = 3_600_000;

const THEMES = {
	dark: 'Dark Modern',
	light: 'Light Modern',
	'high-contrast': 'Dark High Contrast',
} as const;

type StateCase = {
	readonly name: string;
	readonly ada: Partial<Bucket>;
	readonly grace: Partial<Bucket>;
	/** How each of the two stands, in the words of its row. */
	readonly adaText: RegExp;
	readonly graceText: RegExp;
};

describe('what people see', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let page: Page;
	let state: SharedState;
	let take: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		service = await startServer({ accessTokenLifeS: 3600 });
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH], settings: {} });
		browser = await launchBrowser();
		take = await screenshotsOf('views');
		page = await openWindow(await newProfile(browser), host);
		// In a narrow editor VS Code leaves the pictures of a walkthrough out.
		await page.setViewportSize({ width: 1700, height: 900 });
		state = sharedStateOf(host);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	async function set(more: Readonly<Record<string, unknown>>): Promise<void> {
		// VS Code writes the theme there.
		await writeSettings(host.settingsPath, { ...JSON.parse(await readFile(host.settingsPath, 'utf8')), ...more });
		// A machine that runs many editors may have no file watch left to tell of it.
		await page.reload();
		await windowReady(page);
	}

	const workbench = (): Locator => page.locator('.monaco-workbench');
	const sidebar = (): Locator => page.locator('.part.sidebar');
	const statusItem = (): Locator => page.locator('.part.statusbar [id="agent-auth.agent-auth.agentAuth.account"]');

	async function useTheme(theme: keyof typeof THEMES): Promise<void> {
		const kind = { dark: 'vs-dark', light: 'vs', 'high-contrast': 'hc-black' }[theme];
		const isUsed = async (): Promise<boolean> =>
			((await workbench().getAttribute('class')) ?? '').split(' ').includes(kind);
		if (await isUsed()) return;
		await runCommand(page, 'Preferences: Color Theme');
		await quickInput(page).locator('input').first().fill(THEMES[theme]);
		await pick(page, THEMES[theme]);
		await until(`the theme is ${theme}`, isUsed);
	}

	/** One picture per theme; the dark one is left in force. What choosing a theme closes is opened again. */
	async function shoot(name: string, open: () => Promise<void> = async () => undefined): Promise<void> {
		for (const theme of ['light', 'high-contrast', 'dark'] as const) {
			await useTheme(theme);
			await open();
			await take(page, `${name}-${theme}`);
		}
	}

	/** Description and accessible name of the only row that matches. */
	async function rowText(name: RegExp): Promise<string> {
		const row = accountRow(page, name);
		await row.waitFor();
		return ((await row.getAttribute('aria-label')) ?? '').replaceAll('\u00a0', ' ');
	}

	const change = (label: string, more: Partial<Bucket>): Promise<void> =>
		state.bucket('demo', label, (bucket) => ({ ...bucket, ...more }));

	async function generationOf(label: string): Promise<number> {
		const file = await runDiagnostics();
		const buckets = (await state.read()).providers.demo?.buckets ?? [];
		const id = buckets.find(({ account }) => account.label === label)?.id ?? assert.fail(label);
		const found = new RegExp(`demo / ${id}[\\s\\S]*?generation: (\\d+) here`).exec(file)?.[1];
		return Number(found ?? assert.fail(file));
	}

	/** What "Copy Diagnostics" puts into the clipboard. */
	async function runDiagnostics(): Promise<string> {
		await clearNotifications(page);
		await runCommand(page, 'Agent Auth: Copy Diagnostics');
		await notifications(page, /diagnostics are in the clipboard/).waitFor();
		return page.evaluate<string>('navigator.clipboard.readText()');
	}

	it('begins with a welcome that names the one thing to do, and no item in the status bar', async () => {
		await showAccounts(page);
		assert.match(await welcomeText(page, /No service is set up yet/), /Add Provider/);
		assert.equal(await statusItem().count(), 0);
		await shoot('no-provider');
	});

	it('opens a walkthrough whose steps have pictures and complete themselves', async () => {
		await runCommand(page, 'Agent Auth: Show How It Works');
		const guide = page.locator('.gettingStartedContainer');
		await guide.getByText('Get Started with Agent Auth').first().waitFor();
		const step = guide.locator('button[data-step-id$="#service"]');
		await step.waitFor();
		const picture = guide.locator('.getting-started-media img');
		await picture.waitFor();
		await until('the picture is drawn', () =>
			picture.evaluate((image) => 'naturalWidth' in image && Number(image.naturalWidth) > 0),
		);
		assert.equal(await step.getAttribute('aria-checked'), 'false');
		await shoot('walkthrough', async () => {
			await runCommand(page, 'Agent Auth: Show How It Works');
			await picture.waitFor();
		});
		await set(demoSettings(service));
		await showAccounts(page);
		await until('the service is known', async () => !/No service/.test(await welcomeText(page, /Sign in once/)));
		await runCommand(page, 'Agent Auth: Show How It Works');
		await until('the first step is done', async () => (await step.getAttribute('aria-checked')) === 'true');
		await take(page, 'walkthrough-first-step-done');
		await runCommand(page, 'View: Close All Editors');
	});

	it('asks for a sign-in when there is a service', async () => {
		await showAccounts(page);
		assert.match(await welcomeText(page, /Sign in once/), /Sign In/);
		await shoot('no-account');
	});

	it('shows the account in use in view and status bar', async () => {
		await signInByConsumer(page, 'Ada Lovelace');
		await clearNotifications(page);
		await showAccounts(page);
		assert.match(await rowText(/ada@example/), /in use/);
		await statusItem().waitFor();
		assert.match(await statusItem().innerText(), /ada@example\.test/);
		await shoot('one-account');
		await accountRow(page, /ada@example/).hover();
		const hover = page.locator('.monaco-hover:visible');
		await hover.getByText(/Issuer: http/).waitFor();
		assert.match(await hover.innerText(), /Signed in until/);
		assert.match(await hover.innerText(), /Scopes: .*openid/);
		await take(page, 'tooltip');
		await page.mouse.move(900, 400);
	});

	it('adds a second account, and says what each is', async () => {
		const login = await openedBy(page, () => runCommand(page, 'Agent Auth: Add Account'));
		await finishInBrowser(login, 'Grace Hopper', /^Signed in to Demo Service/);
		await accountRow(page, /grace@example/).waitFor();
		await clearNotifications(page);
		await change(ADA, { owner: 'work', billing: 'organisation' });
		await change(GRACE, { owner: 'personal', billing: 'metered', automatic: true });
		await until('it is said who pays', async () => /personal, metered/.test(await rowText(/grace@example/)));
		await shoot('two-accounts');
	});

	it('has an icon, a word and an action for every state', async () => {
		const untilMs = Date.now() + 2 * HOUR_MS;
		const graceGeneration = await generationOf(GRACE);
		const adaGeneration = await generationOf(ADA);
		await clearNotifications(page);
		const cooldown = { reason: 'quota', rule: 'usage-limit', sinceMs: Date.now(), untilMs, times: 1 } as const;
		const cases: readonly StateCase[] = [
			{
				name: 'cooling-decision',
				ada: { cooldown },
				grace: {},
				adaText: /back /,
				graceText: /decision needed/,
			},
			{
				name: 'exhausted',
				ada: { cooldown },
				grace: { cooldown: { ...cooldown, reason: 'credit' } },
				adaText: /back /,
				graceText: /credit used up/,
			},
			{
				name: 'switched-off',
				ada: { disabled: true },
				grace: { automatic: false },
				adaText: /switched off/,
				graceText: /not in Automatic/,
			},
			{
				name: 'needs-sign-in',
				ada: { needsSignIn: { generation: adaGeneration, reason: 'invalid_grant' } },
				grace: { failing: { generation: graceGeneration, retryAtMs: Date.now() + 5 * 60_000, attempts: 3 } },
				adaText: /sign in again/,
				graceText: /not renewed, next try/,
			},
		];
		for (const { name, ada, grace, adaText, graceText } of cases) {
			await change(ADA, ada);
			await change(GRACE, grace);
			await until(`${name} is shown`, async () => adaText.test(await rowText(/ada@example/)));
			await until(`${name} is shown`, async () => graceText.test(await rowText(/grace@example/)));
			await take(page, `${name}-with-messages`);
			await clearNotifications(page);
			await showAccounts(page);
			await shoot(name);
			await change(ADA, { cooldown: undefined, disabled: undefined, needsSignIn: undefined });
			await change(GRACE, { cooldown: undefined, automatic: true, failing: undefined });
			await until('all is well', async () => /in use/.test(await rowText(/ada@example/)));
		}
	});

	it('reaches every account and its menu by keyboard', async () => {
		await runCommand(page, 'Agent Auth: Focus on Accounts View');
		await page.keyboard.press('Home');
		const names: string[] = [];
		for (let step = 0; step < 3; step++) {
			const focused = sidebar().locator('.monaco-list-row.focused').first();
			await focused.waitFor();
			names.push((await focused.getAttribute('aria-label')) ?? '');
			await page.keyboard.press('ArrowDown');
		}
		assert.match(names[0] ?? '', /Demo Service, 2 accounts/);
		assert.match(names[1] ?? '', /ada@example\.test.*Demo Service.*in use/);
		assert.match(names[2] ?? '', /grace@example\.test.*Demo Service/);
		await shoot('menu', async () => {
			await runCommand(page, 'Agent Auth: Focus on Accounts View');
			await page.keyboard.press('End');
			await page.keyboard.press('Shift+F10');
			await page.locator('.monaco-menu').getByText('Sign Out', { exact: true }).waitFor();
		});
		await page.keyboard.press('Escape');
	});

	it('gives every icon button a name', async () => {
		await accountRow(page, /ada@example/).hover();
		for (const button of await sidebar().locator('.action-label.codicon').all()) {
			const name = (await button.getAttribute('aria-label')) ?? '';
			assert.notEqual(name.trim(), '', await button.evaluate((element) => String(element)));
		}
		await take(page, 'inline-actions');
	});

	it('orders accounts by dragging', async () => {
		await accountRow(page, /grace@example/).dragTo(accountRow(page, /ada@example/));
		await until('Grace is first', async () => {
			const buckets = (await state.read()).providers.demo?.buckets ?? [];
			return buckets[0]?.account.label === GRACE;
		});
		await until('Grace is in use', async () => /in use/.test(await rowText(/grace@example/)));
		await until('the status bar says so', async () => /grace@example/.test(await statusItem().innerText()));
		await take(page, 'dragged');
		await runCommand(page, 'Agent Auth: Focus on Accounts View');
	});

	it('lists the terminal that was allowed, what it got, and takes it back', async () => {
		await openTerminal(page);
		const asked = runInTerminal(page, host.folder, 'agent-auth token demo');
		assert.match(await dialogText(page), /Demo Service/);
		await take(page, 'terminal-consent');
		await clickDialogButton(page, 'Allow in This Terminal');
		assert.equal((await asked).status, 0);
		await runCommand(page, 'Agent Auth: Focus on Access View');
		const decision = sidebar().getByRole('treeitem', { name: /Demo Service, allowed/ });
		await decision.waitFor();
		await sidebar()
			.getByRole('treeitem', { name: /^Recent Use/ })
			.click();
		await sidebar()
			.getByRole('treeitem', { name: /got a token/ })
			.waitFor();
		await shoot('access');
		await clickRowButton(decision, 'Revoke Access');
		await decision.waitFor({ state: 'detached' });
		const again = runInTerminal(page, host.folder, 'agent-auth token demo');
		assert.match(await dialogText(page), /Demo Service/);
		await clickDialogButton(page, "Don't Allow");
		assert.notEqual((await again).status, 0);
		await runCommand(page, 'View: Toggle Panel Visibility');
	});

	it('says by the doctor that all is well only after the service was asked', async () => {
		const before = service.requests.length;
		await runCommand(page, 'Agent Auth: Doctor');
		await quickInput(page)
			.getByText(/All is well/)
			.first()
			.waitFor();
		assert.ok(service.requests.length > before);
		const lines = await quickInputRows(page).allInnerTexts();
		assert.ok(
			lines.some((line) => /accepts the token of grace@example\.test/.test(line.replace(/\s+/g, ' '))),
			lines.join('\n'),
		);
		await take(page, 'doctor-healthy');
		await page.keyboard.press('Escape');
	});

	it('says what is wrong with one action', async () => {
		await service.down();
		try {
			await runCommand(page, 'Agent Auth: Doctor');
			const wrong = quickInputRows(page).filter({ hasText: /cannot be reached/ });
			await wrong.first().waitFor();
			assert.match((await wrong.first().innerText()).replace(/\s+/g, ' '), /Examine Again/);
			await take(page, 'doctor-broken');
			await page.keyboard.press('Escape');
		} finally {
			await service.up();
		}
	});

	it('copies diagnostics that hold no account and no token', async () => {
		const text = await runDiagnostics();
		assert.match(text, /Agent Auth: diagnostics[\s\S]*Doctor[\s\S]*service: healthy/);
		assert.doesNotMatch(text, /example\.test|Ada|Grace/);
		for (const secret of service.secrets()) assert.ok(!text.includes(secret));
		await take(page, 'diagnostics');
		await clearNotifications(page);
	});

	it('leads from the status bar to the remedy', async () => {
		const generation = await generationOf(GRACE);
		const adaGeneration = await generationOf(ADA);
		await clearNotifications(page);
		await change(GRACE, { needsSignIn: { generation, reason: 'invalid_grant' } });
		await change(ADA, { needsSignIn: { generation: adaGeneration, reason: 'invalid_grant' } });
		await until('the status bar warns', async () => /sign in again/.test(await statusItem().innerText()));
		await shoot('status-bar-warning');
		const login = await openedBy(page, () => statusItem().click());
		await finishInBrowser(login, 'Grace Hopper', /^Signed in to Demo Service/);
		await until('it is well again', async () => /grace@example/.test(await statusItem().innerText()));
		await change(ADA, { needsSignIn: undefined });
		await set({ 'agentAuth.statusBar.enabled': false });
		await statusItem().waitFor({ state: 'detached' });
		await set({ 'agentAuth.statusBar.enabled': true });
		await statusItem().waitFor();
	});

	it('switches off several accounts that were selected together', async () => {
		await showAccounts(page);
		await accountRow(page, /ada@example/).click();
		await accountRow(page, /grace@example/).click({ modifiers: ['Control'] });
		await accountRow(page, /grace@example/).click({ button: 'right' });
		await take(page, 'menu-of-two');
		const offered = await menuLabels(page);
		for (const label of ['Renew Token', 'Sign Out', 'Keep the Account out of Automatic', 'Switch Account Off'])
			assert.ok(offered.includes(label), `${label} is not in ${offered.join(', ')}`);
		// These are about one account only.
		for (const label of [
			'Rename Account',
			'Move Account Up',
			'Set Owner and Billing',
			'Tie This Workspace to an Account',
		])
			assert.ok(!offered.includes(label), `${label} is in ${offered.join(', ')}`);
		await page.locator('.monaco-menu').getByText('Switch Account Off', { exact: true }).click();
		for (const name of [/ada@example/, /grace@example/])
			await until('it is off', async () => /switched off/.test(await rowText(name)));
		assert.match(await rowText(/^Demo Service/), /all switched off/);
		await shoot('all-off');
	});
});
