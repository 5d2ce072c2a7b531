/**
 * Two people's accounts in a real VS Code with the packaged extension, two windows and real clicks: what is exhausted is
 * left and comes back, nobody pays unasked, and a workspace that is tied to an account gets that one or none. The consumer
 * works by the loop that `api/example.ts` documents.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { CONSUMER_VSIX_PATH, VSIX_PATH } from '../../scripts/package.ts';
import type { Undo } from '../server/faults.ts';
import type { RequestRecord } from '../server/oracle.ts';
import type { PersonId } from '../server/people.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import {
	accountRow,
	clearNotifications,
	consentIsKept,
	finishInBrowser,
	messageText,
	openedBy,
	showAccounts,
	signInByConsumer,
} from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { openTerminal, runInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import {
	answerInput,
	chooseMenu,
	clickDialogButton,
	clickNotificationButton,
	dialog,
	notifications,
	pick,
	quickInput,
	runCommand,
} from '../support/workbench.ts';

/** All windows know within a second; the rest is what drawing takes on a busy machine. */
const SHOWN_WITHIN_MS = 2_000;

const HOUR_S = 3600;

/** The shortest cooldown that there is. */
const SHORT_LIMIT_S = 15;

const QUOTA = { status: 429, body: '{"error":{"code":"quota_exceeded","message":"You have used your quota."}}' };

const OUTCOME = /Worked as|The work was not done/;

const ADA = 'ada@example\\.test';
const GRACE = 'grace@example\\.test';

describe('failover between accounts, by real clicks', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let profile: BrowserContext;
	/** In the folder `alpha`. */
	let first: Page;
	/** In the folder `beta`. */
	let second: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;
	const faults: Undo[] = [];

	before(async () => {
		service = await startServer({ accessTokenLifeS: HOUR_S });
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH], settings: demoSettings(service) });
		browser = await launchBrowser();
		profile = await newProfile(browser);
		shoot = await screenshotsOf('failover');
		[first, second] = await openBoth();
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	afterEach(() => {
		for (const fault of faults.splice(0)) fault.dispose();
	});

	async function openBoth(): Promise<[Page, Page]> {
		const open = async (name: string): Promise<Page> => {
			const folder = path.join(host.folder, name);
			await mkdir(folder, { recursive: true });
			const page = await openWindow(profile, host, { folder });
			await showAccounts(page);
			return page;
		};
		return [await open('alpha'), await open('beta')];
	}

	/** Lets the consumer do one request and answers what it says came of it. */
	async function work(page: Page): Promise<string> {
		await page.bringToFront();
		await page.keyboard.press('Escape');
		// Escape hides them at once, but not while a terminal has the focus.
		if ((await notifications(page).count()) > 0) await clearNotifications(page);
		return workOn(page);
	}

	/** The same, and leaves the notifications that are there. */
	async function workOn(page: Page): Promise<string> {
		await runCommand(page, 'Demo Consumer: Work');
		return messageText(page, OUTCOME);
	}

	/** From now on the service answers this to who comes with a token of the person. */
	function refuse(
		person: PersonId,
		respond: { readonly status: number; readonly body?: string; readonly retryAfter?: string },
		times?: number,
	): Undo {
		const undo = service.fault({
			on: 'whoami',
			person,
			respond: { contentType: 'application/json', ...respond },
			...(times === undefined ? {} : { times }),
		});
		faults.push(undo);
		return undo;
	}

	/** The requests of the consumer since `lastId`. */
	function requestsSince(lastId: number): readonly RequestRecord[] {
		return service.requests.filter(({ id, kind }) => kind === 'whoami' && id > lastId);
	}

	const lastId = (): number => service.requests.at(-1)?.id ?? 0;

	/** An account's row whose words behind its names begin like this. */
	const row = (page: Page, account: string, words: string): Locator =>
		accountRow(page, new RegExp(`${account}(?:\\))?, Demo Service, ${words}`));

	/** Waits until both windows show the account so. Answers when each did. */
	function shownInBoth(account: string, words: string): Promise<number[]> {
		return Promise.all(
			[first, second].map(async (page) => {
				await row(page, account, words).waitFor();
				return Date.now();
			}),
		);
	}

	async function onAccount(page: Page, account: string, command: string): Promise<void> {
		await page.bringToFront();
		await row(page, account, '').click({ button: 'right' });
		await chooseMenu(page, command);
	}

	/** The account is in use again in both windows, because the person said so. */
	async function tryAgain(page: Page, account: string): Promise<void> {
		await onAccount(page, account, 'Try Again Now');
		await shownInBoth(account, 'in use');
	}

	async function assertNothingWasAsked(): Promise<void> {
		for (const page of [first, second]) {
			assert.equal(await dialog(page).count(), 0);
			// The palette takes its time to go; a question would stay.
			await quickInput(page).waitFor({ state: 'hidden' });
		}
	}

	/** The window that says this first. */
	async function speakerOf(text: RegExp): Promise<Page> {
		return until(`a window says ${text}`, async () => (await pagesThatSay(text))[0]);
	}

	const otherThan = (page: Page): Page => (page === first ? second : first);

	/** The windows that have such a notification, once for each that they have. */
	async function pagesThatSay(text: RegExp): Promise<Page[]> {
		const pages: Page[] = [];
		for (const page of [first, second]) {
			const said = page.locator('.notifications-toasts .notification-list-item-message', { hasText: text });
			for (let count = await said.count(); count > 0; count--) pages.push(page);
		}
		return pages;
	}

	/** Everything that was said and not dismissed: what was a toast is there when Escape or time has hidden it. */
	async function inCenter(page: Page, text: RegExp): Promise<Locator> {
		await runCommand(page, 'Notifications: Show Notifications');
		const center = page.locator('.notifications-center.visible');
		await center.waitFor();
		return center.locator('.notification-list-item', { hasText: text });
	}

	it('asks of a second person whose account it is, how it is paid, and whether Automatic may use it', async () => {
		await signInByConsumer(first, 'Ada Lovelace');
		await clearNotifications(first);
		const login = await openedBy(first, () => runCommand(first, 'Agent Auth: Add Account'));
		await finishInBrowser(login, 'Grace Hopper', /^Signed in to Demo Service/);
		await first.bringToFront();
		await quickInput(first).getByPlaceholder('Whose account is it?').waitFor();
		await shoot(first, 'whose-account');
		for (const answer of ['Work', 'Subscription', 'Work', 'Subscription']) {
			await pick(first, answer);
			if (answer === 'Work') await quickInput(first).getByPlaceholder('How is its use paid for?').waitFor();
		}
		await shownInBoth(ADA, 'in use, work, subscription');
		await shownInBoth(GRACE, 'not in Automatic, work, subscription');
		await shoot(first, 'another-person');
		await clickNotificationButton(first, /belongs to another person/, 'Let Automatic Use It');
		await shownInBoth(GRACE, 'ready, work, subscription');
		// The first window was allowed to, so the second is not asked.
		assert.match(await work(first), /Worked as Ada Lovelace/);
		assert.match(await work(second), /Worked as Ada Lovelace/);
		await assertNothingWasAsked();
	});

	it('works on with the next account when one is exhausted, and both windows say why and until when', async () => {
		const [begin, signIns] = [lastId(), service.count('authorize')];
		const limit = refuse('ada', { ...QUOTA, retryAfter: String(HOUR_S) });
		const shown = shownInBoth(ADA, 'back \\d.*: quota used up');
		assert.match(await work(first), /Worked as Grace Hopper/);
		const shownAtMs = await shown;
		await shownInBoth(GRACE, 'in use');
		const refused = requestsSince(begin)[0];
		assert.equal(refused?.status, 429);
		const delaysMs = shownAtMs.map((atMs) => atMs - (refused.doneAtMs ?? 0));
		console.log(`a limit is shown after ${delaysMs.join(' and ')} ms`);
		for (const delayMs of delaysMs) assert.ok(delayMs < SHOWN_WITHIN_MS, `shown after ${delayMs} ms`);
		await shoot(first, 'failed-over');
		await shoot(second, 'failed-over-second-window');

		assert.match(await work(second), /Worked as Grace Hopper/);
		// The second window knew and did not try.
		assert.deepEqual(
			requestsSince(begin).map(({ person }) => person),
			['ada', 'grace', 'grace'],
		);
		await assertNothingWasAsked();
		assert.equal(service.count('authorize'), signIns);

		limit.dispose();
		await tryAgain(second, ADA);
		assert.match(await work(first), /Worked as Ada Lovelace/);
		assert.match(await work(second), /Worked as Ada Lovelace/);
	});

	it('comes back by itself at the end of a cooldown, and a success brings the other windows along', async () => {
		refuse('ada', { ...QUOTA, retryAfter: String(SHORT_LIMIT_S) }, 1);
		assert.match(await work(first), /Worked as Grace Hopper/);
		await shownInBoth(ADA, 'back \\d');
		await shownInBoth(ADA, 'ready');
		assert.match(await work(first), /Worked as Ada Lovelace/);
		await shownInBoth(ADA, 'in use');
		assert.match(await work(second), /Worked as Ada Lovelace/);
		await assertNothingWasAsked();
	});

	it('parks an account without credit (402) until the person says otherwise', async () => {
		const limit = refuse('ada', { status: 402, body: '{"error":{"message":"Payment required"}}' });
		assert.match(await work(first), /Worked as Grace Hopper/);
		await shownInBoth(ADA, 'parked: credit used up');
		await shoot(second, 'parked');
		limit.dispose();
		await tryAgain(first, ADA);
		assert.match(await work(second), /Worked as Ada Lovelace/);
	});

	it('renews a refused token once, and leaves an account whose renewed token is refused as well', async () => {
		const tokenIn = (message: string): string => /token ([0-9a-f]{8})/.exec(message)?.[1] ?? assert.fail(message);
		const refreshes = service.refreshes();
		const before = tokenIn(await work(first));
		refuse('ada', { status: 401, body: '{"error":"invalid_token"}' }, 1);
		const renewed = await work(first);
		assert.match(renewed, /Worked as Ada Lovelace/);
		assert.notEqual(tokenIn(renewed), before);
		assert.equal(service.refreshes(), refreshes + 1);

		for (const respond of [
			{ status: 401, body: '{"error":"invalid_token"}' },
			{ status: 403, body: '{"error":{"code":"token_revoked","message":"The token has been revoked."}}' },
		]) {
			const fault = refuse('ada', respond);
			assert.match(await work(first), /Worked as Grace Hopper/, `status ${respond.status}`);
			await shownInBoth(ADA, 'back \\d.*: refused by the service');
			fault.dispose();
			await tryAgain(first, ADA);
			assert.match(await work(first), /Worked as Ada Lovelace/, `status ${respond.status}`);
		}
		await assertNothingWasAsked();
	});

	it('stays where another account would not help: a plain 403, a service in trouble', async () => {
		const begin = lastId();
		const forbidden = refuse('ada', { status: 403, body: '{"message":"forbidden"}' });
		assert.match(await work(first), /was not done: status 403, giveUp \(denied, forbidden\)/);
		forbidden.dispose();
		refuse('ada', { status: 500, retryAfter: '1' }, 1);
		assert.match(await work(first), /Worked as Ada Lovelace/);
		assert.deepEqual(
			requestsSince(begin).map(({ person, status }) => `${person} ${status}`),
			['ada 403', 'ada 500', 'ada 200'],
		);
		await shownInBoth(ADA, 'in use');
	});

	it('says once over both windows that all are exhausted, and until when', async () => {
		const limits = [
			refuse('ada', { ...QUOTA, retryAfter: String(HOUR_S) }),
			refuse('grace', { ...QUOTA, retryAfter: String(2 * HOUR_S) }),
		];
		await clearNotifications(second);
		const begin = lastId();
		assert.match(await work(first), /was not done: status 429, wait until \S+ \(exhausted\)/);
		const speaker = await speakerOf(/^Every account of Demo Service/);
		for (const page of [first, second]) {
			await accountRow(page, /^Demo Service, 2 accounts, back \d.*: all exhausted/).waitFor();
		}
		assert.equal((await pagesThatSay(/^Every account of Demo Service/)).length, 1);
		assert.match(await work(otherThan(speaker)), /was not done: Every account of Demo Service is exhausted/);
		assert.equal((await pagesThatSay(/^Every account of Demo Service/)).length, 1);
		await shoot(speaker, 'all-exhausted');
		assert.deepEqual(
			requestsSince(begin).map(({ person }) => person),
			['ada', 'grace'],
		);
		await assertNothingWasAsked();

		for (const limit of limits) limit.dispose();
		await onAccount(first, GRACE, 'Try Again Now');
		await shownInBoth(GRACE, 'in use');
		await tryAgain(second, ADA);
		// What the consumer was allowed holds, although there was no account for a while.
		assert.match(await work(first), /Worked as Ada Lovelace/);
		assert.match(await work(second), /Worked as Ada Lovelace/);
		await assertNothingWasAsked();
	});

	it('does not let an account stand in that somebody else pays for, before the person said so', async () => {
		for (const answer of ['Personal', 'Metered']) {
			await onAccount(first, GRACE, 'Set Owner and Billing');
			await pick(first, answer);
		}
		await shownInBoth(GRACE, 'ready, personal, metered');
		const limit = refuse('ada', { ...QUOTA, retryAfter: String(HOUR_S) });
		for (const page of [first, second]) await clearNotifications(page);
		const begin = lastId();
		assert.match(await workOn(first), /was not done: status 429, wait until \S+ \(decision\)/);
		await shownInBoth(GRACE, 'decision needed, personal, metered');
		const question =
			/^ada@example\.test is exhausted until \S.*Use grace@example\.test \(personal, metered\) meanwhile\?/;
		const asking = await speakerOf(question);
		assert.equal((await pagesThatSay(question)).length, 1);
		assert.match(await work(otherThan(asking)), /was not done: .*that is for you to decide/);
		assert.equal((await pagesThatSay(question)).length, 1);
		assert.deepEqual(
			requestsSince(begin).map(({ person }) => person),
			['ada'],
		);
		await shoot(asking, 'who-pays');
		await asking.bringToFront();
		await clickNotificationButton(asking, /Use grace@example\.test/, 'Until It Is Back');
		await shownInBoth(GRACE, 'in use, personal, metered');
		assert.match(await work(first), /Worked as Grace Hopper/);
		assert.match(await work(second), /Worked as Grace Hopper/);
		limit.dispose();
		await tryAgain(first, ADA);
		assert.match(await work(second), /Worked as Ada Lovelace/);
	});

	it('follows a binding of a workspace, and one that was found in its file only after a yes', async () => {
		await clearNotifications(first);
		await runCommand(first, 'Agent Auth: Tie This Workspace to an Account');
		await quickInput(first).getByPlaceholder('Which account shall this workspace use?').waitFor();
		await shoot(first, 'tie');
		await pick(first, 'ada@example.test');
		await messageText(first, /This workspace is tied to the account "ada@example\.test" of Demo Service/);
		await row(first, ADA, 'tied to this workspace, in use').waitFor();
		await shoot(first, 'tied');

		await clearNotifications(second);
		const settings = path.join(host.folder, 'beta', '.vscode', 'settings.json');
		await mkdir(path.dirname(settings), { recursive: true });
		await writeFile(settings, JSON.stringify({ 'agentAuth.bindings': { demo: 'grace@example.test' } }));
		await messageText(second, /This workspace wants to use the account "grace@example\.test" of Demo Service/);
		await shoot(second, 'binding-found');
		assert.match(await workOn(second), /Worked as Ada Lovelace/);
		const found = await inCenter(second, /wants to use the account/);
		await found.locator('.monaco-button', { hasText: 'Use It' }).click();
		await row(second, GRACE, 'tied to this workspace, in use').waitFor();
		assert.match(await work(second), /Worked as Grace Hopper/);
		assert.match(await work(first), /Worked as Ada Lovelace/);
	});

	it('gives each of two windows its own account in 100 requests that come at the same time', async () => {
		for (const page of [first, second]) await clearNotifications(page);
		const begin = lastId();
		const hold = service.fault({ on: 'whoami', hold: 'before' });
		// So slow that neither can be through before the other has begun to be answered.
		const slow = service.fault({ on: 'whoami', delayBeforeMs: 10 });
		await runCommand(first, 'Demo Consumer: Work 50 Times');
		await runCommand(second, 'Demo Consumer: Work 50 Times');
		await until('both have begun', () => requestsSince(begin).length === 2);
		hold.dispose();
		assert.equal(await messageText(first, /50 requests/), '50 requests: 50 × Ada Lovelace');
		assert.equal(await messageText(second, /50 requests/), '50 requests: 50 × Grace Hopper');
		slow.dispose();
		const windows = requestsSince(begin).map(({ requestHeaders }) => requestHeaders['x-demo-window']);
		assert.equal(windows.length, 100);
		const turns = windows.filter((name, index) => index > 0 && name !== windows[index - 1]).length;
		console.log(`the windows took turns ${turns} times in 100 requests`);
		assert.ok(turns >= 20, `${turns} turns`);
		assertOwnAccounts(begin);
		await shoot(second, 'hundred-requests');
	});

	/** The window of `alpha` came with Ada's tokens only, that of `beta` with Grace's. */
	function assertOwnAccounts(begin: number): void {
		const pairs = requestsSince(begin).map(({ requestHeaders, person }) => [requestHeaders['x-demo-window'], person]);
		for (const [name, person] of pairs) assert.equal(person, name === 'alpha' ? 'ada' : 'grace');
	}

	it('gives the terminals of a window the account of its workspace', async () => {
		for (const [page, person] of [
			[first, 'ada'],
			[second, 'grace'],
		] as const) {
			await page.bringToFront();
			await openTerminal(page);
			const asked = runInTerminal(page, host.folder, 'agent-auth token demo');
			await clickDialogButton(page, 'Allow in This Terminal');
			const result = await asked;
			assert.equal(result.status, 0, result.stderr);
			const answer = await fetch(service.whoamiUrl, { headers: { authorization: `Bearer ${result.stdout.trim()}` } });
			assert.equal(answer.status, 200);
			assert.equal(service.requests.findLast(({ kind }) => kind === 'whoami')?.person, person);
		}
	});

	it('never falls back in a workspace that is tied to an account', async () => {
		const begin = lastId();
		const limit = refuse('ada', { ...QUOTA, retryAfter: String(HOUR_S) });
		assert.match(await work(first), /was not done: status 429, wait until \S+ \(exhausted\)/);
		await row(first, ADA, 'back \\d.*: quota used up').waitFor();
		await accountRow(first, /^Demo Service, 2 accounts, back \d.*: "ada@example\.test" is exhausted/).waitFor();
		assert.match(
			await work(first),
			/was not done: The account "ada@example\.test" of Demo Service is exhausted until .*, and no other may stand in/,
		);
		await shoot(first, 'tied-and-exhausted');
		assert.match(await work(second), /Worked as Grace Hopper/);
		assertOwnAccounts(begin);
		await assertNothingWasAsked();
		limit.dispose();
		await onAccount(first, ADA, 'Try Again Now');
		await row(first, ADA, 'tied to this workspace, in use').waitFor();
		assert.match(await work(first), /Worked as Ada Lovelace/);
	});

	it('keeps order, names, decisions and what was switched off over a restart of the windows', async () => {
		await clearNotifications(first);
		await onAccount(first, ADA, 'Rename Account');
		await answerInput(first, 'Team');
		await clickNotificationButton(first, /tied to the account by its old name/, 'Tie It to the New Name');
		await row(first, `Team \\(${ADA}`, 'tied to this workspace, in use').waitFor();
		// The person has just said so.
		assert.equal(await (await inCenter(first, /wants to use the account/)).count(), 0);
		await onAccount(first, GRACE, 'Move Account Up');
		await until('the order has changed', async () => (await order(second))[0]?.startsWith('grace'));
		await runCommand(first, 'Agent Auth: Decide Which Account May Stand In');
		await quickInput(first).getByPlaceholder('when grace@example.test cannot be used?').waitFor();
		await shoot(first, 'decide');
		await pick(first, 'Always');
		await onAccount(first, GRACE, 'Switch Account Off');
		await shownInBoth(GRACE, 'switched off');
		assert.match(await work(second), /was not done: .*tied to the account "grace@example\.test".*cannot be used/);
		await shoot(second, 'tied-and-off');
		await consentIsKept(first);

		await Promise.all([first.close(), second.close()]);
		[first, second] = await openBoth();
		await row(first, `Team \\(${ADA}`, 'tied to this workspace, in use, work, subscription').waitFor();
		await row(second, GRACE, 'switched off, tied to this workspace, personal, metered').waitFor();
		for (const page of [first, second])
			assert.deepEqual(
				(await order(page)).map((label) => label.split(',')[0]),
				['grace@example.test', 'Team (ada@example.test)'],
			);
		await shoot(first, 'after-restart');
		assert.match(await work(first), /Worked as Ada Lovelace/);
		// Confirmed once for the workspace, and not asked again.
		assert.match(await workOn(second), /was not done: .*tied to the account "grace@example\.test".*cannot be used/);
		assert.equal(await (await inCenter(second, /wants to use the account/)).count(), 0);

		await onAccount(second, GRACE, 'Switch Account On');
		for (const page of [first, second]) await runCommand(page, 'Agent Auth: Untie This Workspace');
		await shownInBoth(GRACE, 'in use, personal, metered');
		refuse('grace', { ...QUOTA, retryAfter: String(HOUR_S) }, 1);
		assert.match(await work(second), /Worked as Ada Lovelace/);
		await shownInBoth(`Team \\(${ADA}`, 'in use');
		for (const page of [first, second]) assert.equal(await (await inCenter(page, /meanwhile\?/)).count(), 0);
		await assertNothingWasAsked();
		await shoot(second, 'decision-kept');
	});

	/** The accessible names of the accounts, from the top. */
	async function order(page: Page): Promise<string[]> {
		// Terminals that are allowed are listed in the view below.
		const view = page.locator('.part.sidebar').getByRole('tree', { name: /^Accounts/ });
		const rows = await view.getByRole('treeitem').all();
		const labels = await Promise.all(rows.map(async (entry) => (await entry.getAttribute('aria-label')) ?? ''));
		return labels.filter((label) => label.split(', ')[1] === 'Demo Service');
	}
});
