/**
 * Takes the pictures of the README and the walkthrough from the packaged extension in a real VS Code: `npm run pictures`.
 * Linux on x64, as the tests in the browser.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { startServer } from '../test/server/server.ts';
import { launchBrowser, newProfile, openWindow } from '../test/support/browser.ts';
import {
	accountRow,
	clearNotifications,
	finishInBrowser,
	openedBy,
	showAccounts,
	signInByConsumer,
} from '../test/support/demoWindow.ts';
import { openTerminal, runInTerminal } from '../test/support/terminal.ts';
import { startVscodeServer } from '../test/support/vscodeServer.ts';
import { clickDialogButton, dialog, openAccountsMenu, quickInput, runCommand } from '../test/support/workbench.ts';
import { ROOT } from './build.ts';
import { demoSettings } from './demoSettings.ts';
import { CONSUMER_VSIX_PATH, packageAll, VSIX_PATH } from './package.ts';

type Clip = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

const WALKTHROUGH = path.join(ROOT, 'media', 'walkthrough');

/** Every window that is installed carries these, so they are small: text on an even ground stays readable. */
const WEBP_QUALITY = 0.15;

/** The top of the side bar, wide enough for an account with its state. */
const SIDE_BAR: Clip = { x: 48, y: 36, width: 300, height: 110 };

/** The first lines of what is bigger. */
const MOST_WIDTH = 330;
const MOST_HEIGHT = 110;

const WINDOW = { width: 1280, height: 800 };

/** A small window, in which the list and the menu of accounts below it stand close together. */
const README = { width: 880, height: 520 };

await packageAll();
await mkdir(WALKTHROUGH, { recursive: true });
const service = await startServer({ accessTokenLifeS: 3600 });
const host = await startVscodeServer({
	vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH],
	settings: { ...demoSettings(service), 'workbench.colorTheme': 'Default Dark Modern' },
});
const browser = await launchBrowser();
try {
	const page = await openWindow(await newProfile(browser), host);
	await takeAll(page);
} finally {
	await browser.close();
	await host.stop();
	await service.close();
}

async function takeAll(page: Page): Promise<void> {
	await showAccounts(page);
	await runCommand(page, 'Agent Auth: Add Provider');
	await takeStep(page, 'service', await around(page, quickInput(page)));
	await page.keyboard.press('Escape');
	await signInByConsumer(page, 'Ada Lovelace');
	await settle(page);
	await takeStep(page, 'signIn', SIDE_BAR);
	await openTerminal(page);
	const asked = runInTerminal(page, host.folder, 'agent-auth token demo');
	await dialog(page).waitFor();
	await takeStep(page, 'terminal', await around(page, dialog(page)));
	await clickDialogButton(page, 'Allow in This Terminal');
	await asked;
	await runCommand(page, 'View: Toggle Panel Visibility');
	const login = await openedBy(page, () => runCommand(page, 'Agent Auth: Add Account'));
	await finishInBrowser(login, 'Grace Hopper', /^Signed in to Demo Service/);
	await accountRow(page, /grace@example/).waitFor();
	await settle(page);
	await takeStep(page, 'second', SIDE_BAR);
	const { width, height } = page.viewportSize() ?? WINDOW;
	await page.setViewportSize(README);
	await openAccountsMenu(page);
	const picture = await page.screenshot({ animations: 'disabled' });
	await writeFile(path.join(ROOT, 'media', 'readme-accounts.png'), picture);
	await page.keyboard.press('Escape');
	await page.setViewportSize({ width, height });
	await runCommand(page, 'Agent Auth: Focus on Access View');
	await page.getByRole('treeitem', { name: /^Recent Use/ }).click();
	const used = page.getByRole('treeitem', { name: /got a token/ });
	await used.waitFor();
	const heading = await around(page, page.getByRole('button', { name: /Access Section/ }));
	await takeStep(page, 'access', { ...SIDE_BAR, y: heading.y });
	await runCommand(page, 'Agent Auth: Doctor');
	await quickInput(page)
		.getByText(/All is well/)
		.first()
		.waitFor();
	await takeStep(page, 'doctor', await around(page, quickInput(page)));
	await page.keyboard.press('Escape');
}

async function settle(page: Page): Promise<void> {
	await clearNotifications(page);
	await showAccounts(page);
	await page.mouse.move(900, 300);
}

async function around(page: Page, element: ReturnType<Page['locator']>): Promise<Clip> {
	await element.first().waitFor();
	const box = await element.first().boundingBox();
	if (!box) throw new Error(`nothing to take a picture of on ${page.url()}`);
	return { ...box, width: Math.min(box.width, MOST_WIDTH), height: Math.min(box.height, MOST_HEIGHT) };
}

/** As WebP, which only the browser can write. */
async function takeStep(page: Page, step: string, clip: Clip): Promise<void> {
	const png = await page.screenshot({ clip, animations: 'disabled' });
	const canvas = await page.context().newPage();
	try {
		const source = `data:image/png;base64,${png.toString('base64')}`;
		const encoded = await canvas.evaluate<string>(`(async () => {
			const image = new Image();
			image.src = ${JSON.stringify(source)};
			await image.decode();
			const canvas = document.createElement('canvas');
			canvas.width = image.width;
			canvas.height = image.height;
			canvas.getContext('2d').drawImage(image, 0, 0);
			return canvas.toDataURL('image/webp', ${WEBP_QUALITY});
		})()`);
		const bytes = Buffer.from(encoded.split(',')[1] ?? '', 'base64');
		await writeFile(path.join(WALKTHROUGH, `${step}.webp`), bytes);
		console.log(`pictures: ${step}.webp, ${bytes.length} bytes`);
	} finally {
		await canvas.close();
	}
}
