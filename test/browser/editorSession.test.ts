/**
 * `agent-auth token github` where VS Code has a session. VS Code's own extension for GitHub needs the network, so another one
 * is built in instead of it; the provider's id, VS Code's consent and everything of Agent Auth are as they are.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { bundleOptions, ROOT } from '../../scripts/build.ts';
import { VSIX_PATH } from '../../scripts/package.ts';
import { ensureVscodeServer } from '../../scripts/vscodeHost.ts';
import { windowAnnounced } from '../support/announcedWindows.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { openTerminal, runInTerminal } from '../support/terminal.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { clickDialogButton, dialog, dialogText } from '../support/workbench.ts';

const STAND_IN = path.join(ROOT, 'test', 'githubStandIn');

/** Both are of GitHub: the one is replaced, the other would ask it. */
const LEFT_OUT = ['github', 'github-authentication'];

describe("a session of VS Code's own in a terminal", () => {
	let builtIn: string;
	let host: RunningVscodeServer;
	let browser: Browser;
	let page: Page;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;

	before(async () => {
		builtIn = await mkdtemp(path.join(tmpdir(), 'agent-auth-built-in-'));
		const own = path.join((await ensureVscodeServer()).root, 'lib', 'vscode', 'extensions');
		for (const name of await readdir(own)) {
			if (!LEFT_OUT.includes(name)) await symlink(path.join(own, name), path.join(builtIn, name));
		}
		const folder = path.join(builtIn, 'github-authentication');
		await mkdir(folder);
		await copyFile(path.join(STAND_IN, 'package.json'), path.join(folder, 'package.json'));
		await build({
			...bundleOptions('package'),
			entryPoints: [path.join(STAND_IN, 'extension.ts')],
			outfile: path.join(folder, 'extension.cjs'),
		});
		host = await startVscodeServer({
			vsixPaths: [VSIX_PATH],
			extraEnv: { VSCODE_OPTIONS: `builtin-extensions-dir=${builtIn}` },
		});
		browser = await launchBrowser();
		page = await openWindow(await newProfile(browser), host);
		shoot = await screenshotsOf('editor-session');
		await windowAnnounced(host);
		await openTerminal(page);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await rm(builtIn, { recursive: true, force: true });
	});

	const inTerminal = (command: string) => runInTerminal(page, host.folder, command);
	const issued = (): Promise<string> =>
		readFile(path.join(host.globalStorage('vscode.github-authentication'), 'issued'), 'utf8');

	it('says how to sign in while there is none', async () => {
		const asked = inTerminal('agent-auth token github');
		assert.match(
			await dialogText(page),
			/Allow the terminal "bash" to use your GitHub \(session of VS Code\) account\?/,
		);
		await clickDialogButton(page, 'Allow in This Terminal');
		const answer = await asked;
		assert.deepEqual([answer.status, answer.stdout], [3, '']);
		assert.match(answer.stderr, /^agent-auth: not signed in\..*--sign-in/);
	});

	it('gives the token of the session after VS Code has asked for its own consent, and later at once', async () => {
		const asked = inTerminal('agent-auth token github --sign-in --scope repo');
		assert.match(await dialogText(page), /Agent Auth.*wants to sign in using GitHub/);
		await shoot(page, 'asks');
		await clickDialogButton(page, 'Allow');
		const given = await asked;
		assert.deepEqual([given.status, given.stdout], [0, `${await issued()}\n`], given.stderr);
		const again = await inTerminal('agent-auth token github --scope repo --format json');
		assert.deepEqual(JSON.parse(again.stdout), { accessToken: await issued() });
		const header = await inTerminal('agent-auth token github --scope repo --format header');
		assert.equal(header.stdout, `Authorization: Bearer ${await issued()}\n`);
		assert.equal(await dialog(page).count(), 0);
	});

	it('gives nothing for scopes that the session does not have', async () => {
		const other = await inTerminal('agent-auth token github --scope gist');
		assert.deepEqual([other.status, other.stdout], [3, '']);
		assert.equal(await dialog(page).count(), 0);
	});
});
