/** Every command of package.json, once, as a person carries it out in the packaged extension and a real VS Code. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Browser, errors, type Locator, type Page } from 'playwright-core';
import { ROOT } from '../../scripts/build.ts';
import { demoSettings } from '../../scripts/demoSettings.ts';
import { VSIX_PATH } from '../../scripts/package.ts';
import { COMMAND_IDS, type CommandId } from '../../src/views/ids.ts';
import { type Server, startServer } from '../server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../support/browser.ts';
import { clearNotifications, showAccounts } from '../support/demoWindow.ts';
import { screenshotsOf } from '../support/screenshots.ts';
import { sharedStateOf } from '../support/sharedState.ts';
import { until } from '../support/until.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { chooseMenu, runCommand } from '../support/workbench.ts';
import { COMMAND_STEPS, type CommandWindow } from './commandSteps.ts';

/** A view that is drawn anew swallows a click. */
const CLICK_MS = 1_000;

/** For a command that is in no menu. */
const KEYS = 'Control+Shift+F9';

describe('every command', () => {
	let service: Server;
	let host: RunningVscodeServer;
	let browser: Browser;
	let page: Page;
	let toolFile: string;
	let titles: Record<string, string>;
	let shoot: Awaited<ReturnType<typeof screenshotsOf>>;
	const carriedOut = new Set<CommandId>();

	before(async () => {
		service = await startServer({ accessTokenLifeS: 3600 });
		const demo = demoSettings(service);
		const providers = demo['agentAuth.providers'];
		assert.ok(typeof providers === 'object' && providers !== null && 'demo' in providers);
		const commands = { printer: { command: ['/bin/echo', 'printed-token'] } };
		host = await startVscodeServer({
			vsixPaths: [VSIX_PATH],
			settings: {
				...demo,
				'agentAuth.providers': {
					demo: { ...(providers.demo ?? {}), commands },
					openai: { type: 'apiKey', label: 'OpenAI' },
				},
			},
			extraEnv: { OPENAI_API_KEY: 'sk-of-the-environment-0123456789' },
		});
		toolFile = path.join(host.homeDir, '.claude', 'settings.json');
		await mkdir(path.dirname(toolFile), { recursive: true });
		await writeFile(toolFile, '{}\n');
		await writeFile(
			path.join(path.dirname(host.settingsPath), 'keybindings.json'),
			JSON.stringify([{ key: 'ctrl+shift+f9', command: 'agentAuth.report', args: { status: 401 } }]),
		);
		titles = JSON.parse(await readFile(path.join(ROOT, 'package.nls.json'), 'utf8'));
		browser = await launchBrowser();
		shoot = await screenshotsOf('commands');
		page = await openWindow(await newProfile(browser), host);
		await showAccounts(page);
	});

	after(async () => {
		await browser?.close();
		await host?.stop();
		await service?.close();
	});

	function windowFor(command: CommandId): CommandWindow {
		const title = titles[command.replace('agentAuth.', 'command.')] ?? assert.fail(command);
		const done = async (action: Promise<void>): Promise<void> => {
			await action;
			carriedOut.add(command);
		};
		async function menu(row: Locator): Promise<void> {
			await row.click({ button: 'right' });
			await chooseMenu(page, title);
		}
		async function button(row: Locator): Promise<void> {
			await until(`${title} takes the row away`, async () => {
				if ((await row.count()) === 0) return true;
				try {
					await row.hover({ timeout: CLICK_MS });
					await row.getByRole('button', { name: title }).click({ timeout: CLICK_MS });
				} catch (error) {
					if (!(error instanceof errors.TimeoutError)) throw error;
				}
				return false;
			});
		}
		return {
			...{ page, service, host, toolFile, state: sharedStateOf(host) },
			palette: () => done(runCommand(page, `Agent Auth: ${title}`)),
			menu: (row) => done(menu(row)),
			button: (row) => done(button(row)),
			keys: () => done(page.keyboard.press(KEYS)),
			link: (notification, label) => done(notification.locator('a', { hasText: label }).click()),
		};
	}

	for (const { command, does, run } of COMMAND_STEPS) {
		it(`${command} ${does}`, async () => {
			await page.bringToFront();
			try {
				await run(windowFor(command));
			} finally {
				await shoot(page, command.replace('agentAuth.', ''));
			}
			assert.ok(carriedOut.has(command), 'the step carries out its command');
		});
	}

	it('was carried out', async () => {
		await clearNotifications(page);
		assert.deepEqual([...carriedOut].sort(), [...COMMAND_IDS].sort());
	});
});
