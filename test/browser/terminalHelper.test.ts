/**
 * `agent-auth` in a real terminal of VS Code with the packaged extension: what a tool calls, and that the shell of yesterday
 * still works after a reload, after the window was closed and opened again, after an update and after the token's end.
 */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { VSIX_PATH } from '../../scripts/package.ts';
import { mustRun } from '../../scripts/progress.ts';
import { ensureVscodeServer } from '../../scripts/vscodeHost.ts';
import { type Server, startServer } from '../server/server.ts';
import { announcedWindows } from '../support/announcedWindows.ts';
import { launchBrowser, newProfile, openWindow, windowReady } from '../support/browser.ts';
import { accountRow, finishInBrowser, openedBy, showAccounts } from '../support/demoWindow.ts';
import { packageOtherVersion } from '../support/otherVersion.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { openTerminal, runInTerminal, typeInTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { chooseMenu, clickDialogButton, dialog, dialogText, pick, runCommand } from '../support/workbench.ts';

const NEXT_VERSION = '99.0.0';
const HOUR_S = 3600;
const SHORT_LIFE_S = 20;
const CROWD = 50;
const KEY = 'sk-demo-terminal-0123456789';

const HOVER_DEADLINE_MS = 2_000;

/** What VS Code offers at the tab of a terminal whose environment is not what extensions want by now. */
const RELAUNCH = 'Relaunch Terminal';

describe('agent-auth in a terminal of VS Code', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let profile: BrowserContext;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;
	/** Process of the shell that all of these tests use. */
	let shell: string;

	before(async () => {
		service = await startServer({ accessTokenLifeS: HOUR_S });
		host = await startVscodeServer({ vsixPaths: [VSIX_PATH], settings: settings() });
		browser = await launchBrowser();
		profile = await newProfile(browser);
		shoot = await screenshotsOf('terminal-helper');
		page = await openWindow(profile, host);
		const login = await openedBy(page, async () => {
			await runCommand(page, 'Agent Auth: Sign In');
			await pick(page, 'Demo Service');
		});
		await finishInBrowser(login, 'Ada Lovelace', /^Signed in to Demo Service/);
		await openTerminal(page);
		shell = (await inTerminal('echo $$')).stdout;
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	function settings(): Record<string, unknown> {
		const demo = demoSettings(service);
		const providers = demo['agentAuth.providers'] as { demo: object };
		return {
			...demo,
			'agentAuth.providers': {
				demo: {
					...providers.demo,
					environment: { DEMO_TOKEN: 'token', DEMO_AUTH: 'header' },
					gitHosts: ['git.example.test'],
				},
				keys: { type: 'apiKey', label: 'Model Keys' },
			},
			// So that it is a terminal that finds the token at its end, and no window before it.
			'agentAuth.earlyRefreshIdleDays': 0,
			'terminal.integrated.tabs.hideCondition': 'never',
		};
	}

	const inTerminal = (command: string) => runInTerminal(page, host.folder, command);

	/** The same, where the window asks first. */
	async function askedInTerminal(command: string) {
		const asked = inTerminal(command);
		await clickDialogButton(page, 'Allow in This Terminal');
		return asked;
	}

	async function emailOf(token: string): Promise<string> {
		const answer = await fetch(service.whoamiUrl, { headers: { authorization: `Bearer ${token.trim()}` } });
		assert.equal(answer.status, 200);
		return ((await answer.json()) as { email: string }).email;
	}

	const tabs = () => page.locator('.tabs-list .terminal-tabs-entry');

	const runFolder = (): string => path.join(host.globalStorage('agent-auth.agent-auth'), 'run');
	const descriptors = (): Promise<string[]> => announcedWindows(host);

	/** After the window came back: the same shell, a window that answers, and no mark that asks to start the shell anew. */
	async function sameShell(): Promise<void> {
		await page.locator('.terminal-wrapper.active').waitFor();
		await until('the window can be found from terminals', async () => (await descriptors()).length === 1);
		assert.equal((await inTerminal('echo $$')).stdout, shell);
		const about = await aboutTerminal();
		assert.ok(about.includes(shell.trim()) && !about.includes(RELAUNCH), about);
	}

	/** What VS Code tells whoever points at the tab of the first terminal. It always names the process. */
	async function aboutTerminal(): Promise<string> {
		const hover = page.locator('.workbench-hover').filter({ hasText: 'Process ID' });
		// The mouse has to come in once more if the tab was drawn anew under it.
		const text = await until('VS Code tells about the terminal', async () => {
			await page.mouse.move(0, 0);
			await tabs().first().hover();
			const isShown = await until('it is shown', () => hover.isVisible(), HOVER_DEADLINE_MS).catch(() => false);
			return isShown && hover.innerText();
		});
		await page.mouse.move(0, 0);
		await hover.waitFor({ state: 'hidden' });
		return text;
	}

	it('answers what tools ask, after the person was asked once', async () => {
		assert.match(
			(await inTerminal('agent-auth providers')).stdout,
			/^demo\tsignedIn\tDemo Service\nkeys\tsignedOut\tModel Keys\n/,
		);
		assert.match((await inTerminal('agent-auth status')).stdout, /demo\tDemo Service\tsignedIn\tasks first/);
		const asked = inTerminal('agent-auth token demo');
		const question = await dialogText(page);
		assert.match(question, /Allow the terminal "bash" to use your Demo Service account\?/);
		assert.ok(question.includes(`Folder: ${host.workspace}`), question);
		assert.match(question, /It gets an access token for Demo Service that works until .*, and no refresh token\./);
		await shoot(page, 'asks');
		await clickDialogButton(page, 'Allow in This Terminal');
		const given = await asked;
		assert.deepEqual([given.status, given.stderr], [0, '']);
		assert.equal(await emailOf(given.stdout), 'ada@example.test');
		assert.equal((await inTerminal('agent-auth token demo')).stdout, given.stdout);

		const exec = await inTerminal(
			`agent-auth exec demo -- sh -c 'echo "$DEMO_TOKEN/$DEMO_AUTH"; exit 23'; s=$?; env | grep -c DEMO_; (exit $s)`,
		);
		const token = given.stdout.trim();
		assert.deepEqual([exec.status, exec.stdout], [23, `${token}/Bearer ${token}\n0\n`]);
		const status = await inTerminal('agent-auth status');
		assert.match(status.stdout, /this terminal is one of its own\ndemo\tDemo Service\tsignedIn\tallowed here\n/);
		assert.match(status.stdout, /\* ada@example\.test\tada@example\.test\tready\ttoken until 20/);
		const doctor = await inTerminal('agent-auth doctor');
		assert.match(doctor.stdout, /ok {6}PATH: has the folder of agent-auth/);
		assert.match(doctor.stdout, /provider demo: gives the token of ada@example\.test/);
		assert.equal(doctor.stdout.includes(token), false);
	});

	it('gives advice about a token that was refused, and one about an account that is exhausted', async () => {
		const before = (await inTerminal('agent-auth token demo')).stdout;
		const refused = await inTerminal(`echo '{"error":"invalid_token"}' | agent-auth report demo --status 401`);
		assert.deepEqual([refused.status, refused.stdout], [0, 'retry-with-new-token\n'], refused.stderr);
		assert.equal(service.refreshes(), 1);
		const renewed = (await inTerminal('agent-auth token demo')).stdout;
		assert.notEqual(renewed, before);
		const limit = `echo '{"error":{"code":"quota_exceeded"}}' | agent-auth report demo --status 429 --retry-after 3600`;
		const wait = await inTerminal(limit);
		assert.match(wait.stdout, /^wait 20\S+Z exhausted\n$/);
		assert.equal(wait.status, 4);
		const exhausted = await inTerminal('agent-auth token demo');
		assert.deepEqual([exhausted.status, exhausted.stdout], [9, '']);
		assert.match(exhausted.stderr, /every account of this provider is exhausted/);
		await showAccounts(page);
		await accountRow(page, /ada@example\.test.*back/).click({ button: 'right' });
		await shoot(page, 'exhausted');
		await chooseMenu(page, 'Try Again Now');
		await accountRow(page, /ada@example\.test.*in use/).waitFor();
		await until('it gives the token again', async () => (await inTerminal('agent-auth token demo')).stdout === renewed);
	});

	it('stores an API key that the person confirms, and gives it to the terminal that may have it', async () => {
		await writeFile(path.join(host.folder, 'key'), `${KEY}\n`, { mode: 0o600 });
		const adding = inTerminal(`agent-auth add-key keys --stdin --name Team <${host.folder}/key`);
		assert.match(await dialogText(page), /Store an API key for Model Keys that comes from the terminal "bash"\?.*Team/);
		await shoot(page, 'add-key');
		await clickDialogButton(page, 'Store the Key');
		const added = await adding;
		assert.deepEqual([added.status, added.stdout], [0, ''], added.stderr);
		await rm(path.join(host.folder, 'key'));
		assert.equal((await askedInTerminal('agent-auth token keys')).stdout, `${KEY}\n`);
		const declined = inTerminal('echo sk-other | agent-auth add-key keys --stdin');
		await clickDialogButton(page, 'Cancel');
		assert.equal((await declined).status, 5);
	});

	it('is a credential helper of the real git, as its manual sets it up', async () => {
		const token = (await inTerminal('agent-auth token demo')).stdout.trim();
		await inTerminal(
			"git config --global credential.https://git.example.test.helper '!agent-auth git-credential demo'",
		);
		const ask = (url: string) => inTerminal(`echo url=${url} | GIT_TERMINAL_PROMPT=0 GIT_ASKPASS= git credential fill`);
		const filled = await ask('https://git.example.test/a.git');
		assert.deepEqual([filled.status, filled.stderr], [0, '']);
		assert.match(filled.stdout, new RegExp(`^username=oauth2\\npassword=${token}$`, 'm'));
		const other = await ask('https://other.example.test/a.git');
		assert.notEqual(other.status, 0);
		assert.equal(other.stdout.includes(token), false);
	});

	it('shows what it puts into the environment, which holds no token', async () => {
		const environment = await inTerminal('env');
		for (const secret of service.secrets()) assert.equal(environment.stdout.includes(secret), false);
		assert.ok(environment.stdout.includes(`AGENT_AUTH_RUN=${runFolder()}\n`));
		await runCommand(page, 'Terminal: Show Environment Contributions');
		const shown = page.locator('.part.editor .view-lines');
		await shown.getByText('agent-auth.agent-auth').first().waitFor();
		assert.match(
			(await shown.innerText()).replaceAll('\u00a0', ' '),
			/Puts the command `agent-auth` on the PATH\. It holds no token\./,
		);
		await shoot(page, 'environment');
		await runCommand(page, 'View: Close All Editors');
	});

	it('works in the same shell after the window was reloaded, and asks nobody again', async () => {
		const token = (await inTerminal('agent-auth token demo')).stdout;
		await page.reload();
		await windowReady(page);
		await sameShell();
		const given = await inTerminal('agent-auth token demo');
		assert.deepEqual([given.status, given.stdout], [0, token], given.stderr);
		assert.equal(await dialog(page).count(), 0);
		await shoot(page, 'after-reload');
	});

	it('says within a second that the window is closed, and works when it is open again', async () => {
		const [go, done] = ['go', 'done'].map((name) => path.join(host.folder, name));
		const ask = `S=$(date +%s%N); agent-auth token demo; echo $? $((($(date +%s%N)-S)/1000000))`;
		await typeInTerminal(
			page,
			`until [ -e ${go} ]; do read -t 0.1; done; { ${ask}; } >${done}.new 2>&1; mv ${done}.new ${done}`,
		);
		await page.close({ runBeforeUnload: true });
		await until('the window has withdrawn', async () => (await descriptors()).length === 0);
		await writeFile(String(go), '');
		const said = await until('the shell has asked', () => readFile(String(done), 'utf8').catch(() => undefined));
		const [, exitCode, elapsedMs] =
			/^agent-auth: no VS Code window [^\n]+\n(\d+) (\d+)\n$/.exec(said) ?? assert.fail(said);
		assert.equal(exitCode, '6');
		console.log(`without a window the answer comes after ${elapsedMs} ms`);
		assert.ok(Number(elapsedMs) < 1_000, `${elapsedMs} ms`);
		page = await openWindow(profile, host);
		await sameShell();
		const given = await inTerminal('agent-auth token demo');
		assert.equal(given.status, 0, given.stderr);
		assert.equal(await emailOf(given.stdout), 'ada@example.test');
	});

	it('works in the same shell after an update of the extension', async () => {
		const before = (await inTerminal('agent-auth --version')).stdout;
		const vsix = await packageOtherVersion(NEXT_VERSION, path.join(host.folder, 'next'));
		const server = await ensureVscodeServer();
		const entry = path.join(server.root, 'out', 'node', 'entry.js');
		const folders = ['--user-data-dir', host.dataDir, '--extensions-dir', host.extensionsDir];
		await mustRun(server.node, [entry, ...folders, '--install-extension', vsix, '--force'], {
			cwd: host.folder,
			env: { PATH: process.env.PATH ?? '', HOME: host.homeDir },
		});
		await page.reload();
		await windowReady(page);
		// VS Code removes the folder of the old version when it has the time; whoever relies on it fails from here on.
		for (const name of await readdir(host.extensionsDir)) {
			if (/^agent-auth\.agent-auth-(?!99)/.test(name))
				await rm(path.join(host.extensionsDir, name), { recursive: true });
		}
		await sameShell();
		const version = (await inTerminal('agent-auth --version')).stdout;
		assert.notEqual(version, before);
		assert.equal(version, `${NEXT_VERSION}\n`);
		const given = await inTerminal('agent-auth token demo');
		assert.equal(await emailOf(given.stdout), 'ada@example.test');
		assert.match(
			(await inTerminal('agent-auth status')).stdout,
			/Agent Auth 99\.0\.0; this terminal is one of its own/,
		);
		await shoot(page, 'after-update');
	});

	it('renews a token that has ended once, however many ask for it', async () => {
		service.setAccessTokenLife(SHORT_LIFE_S);
		await showAccounts(page);
		await accountRow(page, /ada@example\.test/).hover();
		const before = service.refreshes();
		await accountRow(page, /ada@example\.test/)
			.getByRole('button', { name: 'Renew Token' })
			.click();
		await until('the token is a short one', () => service.refreshes() > before);
		const short = await inTerminal('agent-auth token demo --format json');
		const { token, expiresAt } = JSON.parse(short.stdout) as { token: string; expiresAt: string };
		assert.ok(Date.parse(expiresAt) - Date.now() <= SHORT_LIFE_S * 1000);
		service.setAccessTokenLife(HOUR_S);
		const refreshes = service.refreshes();
		await until('the token has ended', () => Date.now() > Date.parse(expiresAt));
		assert.equal(service.refreshes(), refreshes);
		const folder = path.join(host.folder, 'crowd');
		const crowd = `mkdir ${folder}; for i in $(seq ${CROWD}); do agent-auth token demo >${folder}/$i & done; wait`;
		const result = await inTerminal(crowd);
		assert.equal(result.stderr.replace(/^\[\d+\].*$/gm, '').trim(), '');
		const tokens = new Set<string>();
		for (const name of await readdir(folder)) tokens.add(await readFile(path.join(folder, name), 'utf8'));
		assert.equal((await readdir(folder)).length, CROWD);
		assert.equal(tokens.size, 1);
		const [renewed = ''] = tokens;
		assert.notEqual(renewed.trim(), token);
		assert.equal(await emailOf(renewed), 'ada@example.test');
		assert.equal(service.refreshes(), refreshes + 1);
		assert.equal(service.reuses(), 0);
		assert.equal(await dialog(page).count(), 0);
		await rm(folder, { recursive: true });
	});

	it('asks again for a terminal that was closed and another that was opened', async () => {
		await openTerminal(page);
		const given = await askedInTerminal('agent-auth token demo');
		assert.equal(given.status, 0, given.stderr);
		await runCommand(page, 'Terminal: Kill the Active Terminal Instance');
		await until('the first terminal is the active one', async () => (await inTerminal('echo $$')).stdout === shell);
	});
});
