/**
 * Who may have a token in a terminal, by real clicks in two windows: every answer that the question takes, and taking it
 * back. At the end, while everything still runs, the values of all tokens that the service ever issued are looked for
 * wherever they must not be.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { VSIX_PATH } from '../../scripts/package.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import {
	accountRow,
	clearNotifications,
	finishInBrowser,
	messageText,
	openedBy,
	showAccounts,
} from '../support/demoWindow.ts';
import { type ArgumentWatch, browserStorage, environments, watchArguments } from '../support/leakSearch.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { assertNoSecret, filesOf } from '../support/secretSearch.ts';
import {
	openTerminal,
	runInTerminal,
	type TerminalResult,
	terminalShows,
	typeInTerminal,
} from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import {
	clickDialogButton,
	clickRowButton,
	dialog,
	dialogText,
	notifications,
	pick,
	runCommand,
} from '../support/workbench.ts';

const HOUR_S = 3600;
/** Long enough for all that is looked at before the token ends. */
const SHORT_LIFE_S = 40;
const REDRAWN_MS = 5_000;
const ADA = 'ada@example.test';
const GRACE = 'grace@example.test';

/** What the launcher and the helper call themselves when they run the command that may have the token. */
const EXEC = /(?:agent-auth|helper-[0-9a-f]{16}\.cjs) exec demo/;

describe('access of terminals, by real clicks', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let profile: BrowserContext;
	/** In the folder `alpha`, which is tied to Ada's account. */
	let first: Page;
	/** In the folder `beta`, which is tied to Grace's. */
	let second: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;
	let argumentWatch: ArgumentWatch;

	before(async () => {
		argumentWatch = watchArguments();
		service = await startServer({ accessTokenLifeS: HOUR_S });
		const settings = { ...demoSettings(service), 'terminal.integrated.tabs.hideCondition': 'never' };
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH], settings });
		browser = await launchBrowser();
		profile = await newProfile(browser);
		shoot = await screenshotsOf('terminal-access');
		first = await openFolder('alpha');
		await finishInBrowser(
			await openedBy(first, () => runCommand(first, 'Agent Auth: Sign In')),
			'Ada Lovelace',
			/^Signed in to Demo Service/,
		);
		await accountRow(first, /ada@example\.test.*in use/).waitFor();
		await finishInBrowser(
			await openedBy(first, () => runCommand(first, 'Agent Auth: Add Account')),
			'Grace Hopper',
			/^Signed in to Demo Service/,
		);
		for (const answer of ['Work', 'Subscription', 'Work', 'Subscription']) await pick(first, answer);
		await accountRow(first, /grace@example\.test/).waitFor();
		second = await openFolder('beta');
	});

	after(async () => {
		argumentWatch?.stop();
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	async function openFolder(name: string): Promise<Page> {
		const folder = path.join(host.folder, name);
		await mkdir(folder);
		const page = await openWindow(profile, host, { folder });
		await showAccounts(page);
		return page;
	}

	const inTerminal = (page: Page, command = 'agent-auth token demo') => runInTerminal(page, host.folder, command);

	/** As a daemon or a multiplexer asks, in the folder of the second window: none of its ancestors is a terminal. */
	async function fromOutside(): Promise<TerminalResult> {
		const folder = path.join(host.folder, 'outside');
		await mkdir(folder);
		const asking = `agent-auth token demo >${folder}/stdout 2>${folder}/stderr; echo $? >${folder}/status`;
		await first.bringToFront();
		await inTerminal(first, `(cd ../beta && setsid --fork sh -c '${asking}')`);
		const read = (name: string): Promise<string> => readFile(path.join(folder, name), 'utf8').catch(() => '');
		const status = await until('it has its answer', async () => (await read('status')).trim() || undefined);
		const [stdout, stderr] = await Promise.all(['stdout', 'stderr'].map(read));
		await rm(folder, { recursive: true });
		return { status: Number(status), stdout: stdout ?? '', stderr: stderr ?? '' };
	}

	/** Runs a command in the terminal of `page`, answers the question that `asking` has to show, and gives both. */
	async function asked(
		page: Page,
		button: string,
		{ command, asking = page }: { command?: string; asking?: Page } = {},
	): Promise<TerminalResult & { question: string }> {
		await page.bringToFront();
		const running = inTerminal(page, command);
		const question = await dialogText(asking);
		// The helper waits for the person now, so it is certain to be seen.
		argumentWatch.look();
		await asking.bringToFront();
		await clickDialogButton(asking, button);
		return { ...(await running), question };
	}

	async function emailOf({ stdout, stderr }: TerminalResult): Promise<string> {
		const answer = await fetch(service.whoamiUrl, { headers: { authorization: `Bearer ${stdout.trim()}` } });
		assert.equal(answer.status, 200, stderr);
		return ((await answer.json()) as { email: string }).email;
	}

	/** A decision or a use in the access view. */
	const accessRow = (page: Page, name: RegExp) => page.locator('.part.sidebar').getByRole('treeitem', { name });

	/** A click at the moment when VS Code draws the row anew is lost, as it is for a person, who clicks again. */
	async function revoke(page: Page, name: RegExp): Promise<void> {
		await page.bringToFront();
		const row = accessRow(page, name);
		await row.waitFor();
		await until(`the decision ${name} is gone`, async () => {
			if ((await row.count()) === 0) return true;
			await clickRowButton(row, 'Revoke Access');
			return row.waitFor({ state: 'detached', timeout: REDRAWN_MS }).then(
				() => true,
				() => false,
			);
		});
	}

	it('gives the terminals of two windows the accounts that their workspaces are tied to', async () => {
		for (const [page, account] of [
			[first, ADA],
			[second, GRACE],
		] as const) {
			await page.bringToFront();
			await runCommand(page, 'Agent Auth: Tie This Workspace to an Account');
			await pick(page, account);
			await messageText(page, new RegExp(`This workspace is tied to the account "${account}"`));
			await openTerminal(page);
			assert.equal(await emailOf(await asked(page, 'Allow Once')), account);
		}
	});

	it('asks again after "once"', async () => {
		const { question, ...result } = await asked(first, 'Allow in This Terminal');
		assert.match(question, /Allow the terminal "bash" to use your Demo Service account\?.*Workspace: alpha/);
		assert.equal(await emailOf(result), ADA);
		assert.equal(await emailOf(await inTerminal(first)), ADA);
		await shoot(first, 'allowed');
	});

	it('asks apart about what belongs to no terminal of the window', async () => {
		// A terminal stays that of its window, whatever folder it is in.
		assert.equal(await emailOf(await inTerminal(first, '(cd ../beta && agent-auth token demo)')), ADA);
		const running = fromOutside();
		const question = await dialogText(second);
		await shoot(second, 'outside');
		assert.match(question, /Allow a program outside of this window's terminals to use your Demo Service account\?/);
		assert.match(question, /What you allow counts for all programs of your user account\./);
		assert.equal(await dialog(second).locator('.monaco-button', { hasText: 'Workspace' }).count(), 0);
		await clickDialogButton(second, 'Allow Until This Window Closes');
		assert.equal(await emailOf(await running), GRACE);
		assert.equal(await emailOf(await fromOutside()), GRACE);
		// It says nothing about the terminals of that window.
		assert.equal(await emailOf(await asked(second, 'Allow in This Terminal')), GRACE);
	});

	it('asks in each terminal until the workspace is allowed, and each decision can be taken back', async () => {
		await first.bringToFront();
		await openTerminal(first);
		assert.equal(await emailOf(await asked(first, 'Allow in This Workspace')), ADA);
		await openTerminal(first);
		assert.equal(await emailOf(await inTerminal(first)), ADA);
		await accessRow(first, /^All terminals in alpha, Demo Service, allowed/).waitFor();
		await shoot(first, 'workspace-allowed');
		await revoke(first, /^All terminals in alpha, Demo Service, allowed/);
		const never = await asked(first, 'Never');
		assert.deepEqual([never.status, never.stdout], [5, '']);
		const again = await inTerminal(first);
		assert.deepEqual([again.status, again.stdout], [5, '']);
		assert.match(again.stderr, /this is never allowed here\. Change it in the Agent Auth view/);
		assert.equal(await dialog(first).count(), 0);
		await accessRow(first, /^All terminals in alpha, Demo Service, refused/).waitFor();
		await shoot(first, 'never');
		await revoke(first, /^All terminals in alpha, Demo Service, refused/);
		assert.equal(await emailOf(await asked(first, 'Allow in This Terminal')), ADA);
		// "No" is for now: an agent that tries again at once does not ask the person again.
		await revoke(second, /^bash, Demo Service, allowed/);
		assert.equal((await asked(second, "Don't Allow")).status, 5);
		assert.equal((await inTerminal(second)).status, 5);
		assert.equal(await dialog(second).count(), 0);
	});

	it('asks VS Code for its own sessions and says clearly when there is none', async () => {
		const silent = await asked(first, 'Allow in This Terminal', { command: 'agent-auth token github' });
		assert.match(silent.question, /to use your GitHub \(session of VS Code\) account\?/);
		assert.deepEqual([silent.status, silent.stdout], [3, '']);
		assert.match(silent.stderr, /^agent-auth: not signed in\..*--sign-in/);
		await accessRow(first, /^bash, GitHub \(session of VS Code\), allowed/).waitFor();
		const running = inTerminal(first, 'agent-auth token github --sign-in');
		assert.match(await dialogText(first), /Agent Auth.*wants to sign in using GitHub/);
		await shoot(first, 'github');
		await clickDialogButton(first, 'Cancel');
		const declined = await running;
		assert.deepEqual([declined.status, declined.stdout], [3, '']);
	});

	it('opens a terminal with the token in a variable after a warning, and marks it when the token has ended', async () => {
		service.setAccessTokenLife(SHORT_LIFE_S);
		const before = service.refreshes();
		await first.bringToFront();
		await runCommand(first, 'Agent Auth: Renew Token');
		await pick(first, new RegExp(ADA));
		await until('the token is a short one', () => service.refreshes() > before);
		await runCommand(first, 'Agent Auth: New Terminal with Token Variable');
		assert.match(
			await dialogText(first),
			/Open a terminal that has the Demo Service token in its environment\?.*Every program in it can read the token/,
		);
		await shoot(first, 'token-terminal-warning');
		await clickDialogButton(first, 'Open Terminal');
		await terminalShows(first, /[$#] $|[$#]$/);
		const result = await inTerminal(first, 'printenv AGENT_AUTH_TOKEN');
		assert.equal(await emailOf(result), ADA);
		assert.equal(await dialog(first).count(), 0);
		service.setAccessTokenLife(HOUR_S);
		const tab = first.locator('.tabs-list .terminal-tabs-entry', { hasText: 'Demo Service' });
		assert.match(await tab.innerText(), /Demo Service token/);
		await shoot(first, 'token-terminal');
		await tab.getByText('Demo Service: token expired').waitFor({ timeout: 2 * SHORT_LIFE_S * 1000 });
		await notifications(first, /The Demo Service token in the terminal "Demo Service token" has expired\./).waitFor();
		await terminalShows(first, /the token of demo in this terminal has expired/);
		await shoot(first, 'token-expired');
	});

	it('leaves no token in arguments, environments but the two named, history, files and the storage of the browser', async () => {
		await clearNotifications(second);
		await revoke(second, /^Programs outside of terminals, Demo Service, allowed/);
		await openTerminal(second);
		const ready = path.join(host.folder, 'ready');
		await asked(second, 'Allow in This Terminal');
		await typeInTerminal(second, `agent-auth exec demo -- sh -c 'printenv AGENT_AUTH_TOKEN >${ready}; exec sleep 600'`);
		const token = await until('the command of exec runs', () =>
			readFile(ready, 'utf8').then(
				(text) => text.trim() || undefined,
				() => undefined,
			),
		);
		await inTerminal(first, 'history -w; wc -l ~/.bash_history');
		argumentWatch.look();
		const secrets = service.secrets();
		assert.ok(secrets.includes(token));

		const holders = environments().filter(({ environment }) => secrets.some((secret) => environment.includes(secret)));
		console.log(
			`${secrets.length} secrets, ${holders.length} processes with one, ${argumentWatch.seen().length} command lines`,
		);
		assert.ok(holders.some(({ environment }) => environment.includes(`AGENT_AUTH_TOKEN=${token}`)));
		for (const { lineage } of holders) {
			// The named ones and what they start, but not what starts them.
			assert.ok(
				lineage.slice(1).some((line) => EXEC.test(line)),
				lineage.join(' < '),
			);
		}
		assert.ok(argumentWatch.seen().some((line) => EXEC.test(line)));
		assertNoSecret(secrets, argumentWatch.seen(), 'arguments');

		for (const page of [first, second]) {
			const kept = await browserStorage(page);
			assert.match(kept, /agent-auth/);
			assertNoSecret(secrets, [kept], 'storage of the browser');
		}
		await rm(ready);
		const { names, contents } = await filesOf(host.folder);
		for (const wanted of [/\.bash_history$/, /workspaceStorage/, /globalStorage/, /Agent Auth\.log$/])
			assert.ok(
				names.some((name) => wanted.test(name)),
				`${wanted} in ${names.length} files`,
			);
		console.log(`${names.length} files, ${contents.reduce((sum, { length }) => sum + length, 0)} bytes`);
		assertNoSecret(secrets, contents, 'files');
		assertNoSecret(secrets, names, 'names of files');
	});
});
