/**
 * Takes the pictures of the README and the walkthrough from the packaged extension in a real VS Code: `npm run pictures`.
 * Linux on x64, as the tests in the browser.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { startServer } from '../test/server/server.ts';
import { launchBrowser, openWindow } from '../test/support/browser.ts';
import {
	accountRow,
	clearNotifications,
	finishInBrowser,
	openedBy,
	showAccounts,
	signInByConsumer,
} from '../test/support/demoWindow.ts';
import { sharedStateOf } from '../test/support/sharedState.ts';
import { openTerminal, runInTerminal } from '../test/support/terminal.ts';
import { until } from '../test/support/until.ts';
import { startVscodeServer } from '../test/support/vscodeServer.ts';
import { clickDialogButton, dialog, quickInput, quickInputRows, runCommand } from '../test/support/workbench.ts';
import { ROOT } from './build.ts';
import { demoSettings } from './demoSettings.ts';
import { indexedPng } from './indexedPng.ts';
import { CONSUMER_VSIX_PATH, packageAll, VSIX_PATH } from './package.ts';
import { plainWebp } from './plainWebp.ts';

type Clip = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

const MEDIA = path.join(ROOT, 'media');

/** A terminal needs room for a long line. */
const WORKING = { width: 1280, height: 800 };

/** Low, so that the two lists of the side bar stand close together. */
const LISTS = { width: 820, height: 400 };

/** Wide enough for an account with all that is said about it. */
const SIDE_BAR_WIDTH = 430;

/** Screens of the present have two points per pixel. */
const SCALE = 2;

/** Every window that is installed carries the pictures of the walkthrough; text on an even ground stays readable. */
const WEBP_QUALITY = 0.14;

/** Of a longer list the first lines are enough. */
const MOST_ROWS = 2;

/** Below the last line of a picture. */
const MARGIN = 8;

const NO_HOVER_MS = 600_000;

const STEP_DEADLINE_MS = 60_000;

await packageAll();
await mkdir(path.join(MEDIA, 'walkthrough'), { recursive: true });
const service = await startServer({ accessTokenLifeS: 3600 });
const host = await startVscodeServer({
	vsixPaths: [VSIX_PATH, CONSUMER_VSIX_PATH],
	settings: {
		...demoSettings(service),
		'workbench.colorTheme': 'Default Dark Modern',
		// The mouse stays where a command was chosen; a tooltip there would cover a part.
		'workbench.hover.delay': NO_HOVER_MS,
	},
});
const browser = await launchBrowser();
try {
	await takeAll(await openWindow(await profile(browser), host));
} finally {
	await browser.close();
	await host.stop();
	await service.close();
}

async function profile(of: Browser): Promise<BrowserContext> {
	const context = await of.newContext({ viewport: WORKING, deviceScaleFactor: SCALE, locale: 'en-US' });
	context.setDefaultTimeout(STEP_DEADLINE_MS);
	return context;
}

async function takeAll(page: Page): Promise<void> {
	await showAccounts(page);
	await runCommand(page, 'Agent Auth: Add Provider');
	await takeList(page, 'service', /OpenID Connect/);
	await signInByConsumer(page, 'Ada Lovelace');
	await openTerminal(page);
	const asked = runInTerminal(page, host.folder, 'agent-auth token demo');
	await dialog(page).waitFor();
	await takeWebp(page, 'terminal', await boxOf(dialog(page)));
	await clickDialogButton(page, 'Allow in This Terminal');
	await asked;
	await runCommand(page, 'View: Toggle Panel Visibility');
	const login = await openedBy(page, () => runCommand(page, 'Agent Auth: Add Account'));
	await finishInBrowser(login, 'Grace Hopper', /^Signed in to Demo Service/);
	await accountRow(page, /grace@example/).waitFor();
	await runCommand(page, 'Agent Auth: Doctor');
	await takeList(page, 'doctor', /The key that opens the sign-ins/);
	await takeLists(page);
}

/** Both lists of the side bar, filled as somebody has them who works with two accounts. */
async function takeLists(page: Page): Promise<void> {
	const state = sharedStateOf(host);
	await state.bucket('demo', 'ada@example.test', (one) => ({ ...one, owner: 'work', billing: 'organisation' }));
	await state.bucket('demo', 'grace@example.test', (one) => ({
		...one,
		owner: 'personal',
		billing: 'subscription',
		automatic: true,
	}));
	await accountRow(page, /grace@example.*personal/).waitFor();
	await clearNotifications(page);
	await page.setViewportSize(LISTS);
	await widenSideBar(page);
	await runCommand(page, 'Agent Auth: Focus on Access View');
	await page.getByRole('treeitem', { name: /^Recent Use/ }).click();
	const used = page.getByRole('treeitem', { name: /got a token/ });
	await used.waitFor();
	await runCommand(page, 'Agent Auth: Focus on Accounts View');
	// Into the empty editor, where nothing answers to it and the lists have no focus.
	await page.mouse.click(LISTS.width - 60, LISTS.height / 2);
	const { x, y, width } = await boxOf(page.locator('.part.sidebar'));
	const end = await boxOf(used);
	await takeWebp(page, 'accounts', { x, y, width, height: end.y + end.height + MARGIN - y });
	await takePng(page, 'readme-accounts.png', {
		x: 0,
		y: Math.floor(y),
		width: Math.ceil(x + width),
		height: LISTS.height - Math.floor(y),
	});
}

async function widenSideBar(page: Page): Promise<void> {
	const sideBar = page.locator('.part.sidebar');
	await until('the side bar is wide', async () => {
		const { x, y, width, height } = await boxOf(sideBar);
		if (width >= SIDE_BAR_WIDTH - 10) return true;
		await page.mouse.move(x + width, y + height / 2);
		await page.mouse.down();
		await page.mouse.move(x + SIDE_BAR_WIDTH, y + height / 2, { steps: 5 });
		await page.mouse.up();
		return false;
	});
}

/** The list that has such a row, with its title and its first rows; closes it. */
async function takeList(page: Page, name: string, row: RegExp): Promise<void> {
	const rows = quickInputRows(page);
	await rows.filter({ hasText: row }).first().waitFor();
	const { x, y, width, height } = await boxOf(quickInput(page));
	const last = rows.nth(Math.min(MOST_ROWS, await rows.count()) - 1);
	const end = await boxOf(last);
	await takeWebp(page, name, { x, y, width, height: Math.min(height, end.y + end.height - y) });
	await page.keyboard.press('Escape');
}

async function boxOf(element: Locator): Promise<Clip> {
	await element.first().waitFor();
	const box = await element.first().boundingBox();
	if (!box) throw new Error('nothing to take a picture of');
	return box;
}

async function takePng(page: Page, file: string, clip: Clip): Promise<void> {
	const pixels = await drawn(page, clip, SCALE * clip.width, 'pixels');
	await keep(file, indexedPng(pixels, SCALE * clip.width, SCALE * clip.height));
}

async function takeWebp(page: Page, step: string, clip: Clip): Promise<void> {
	await keep(`walkthrough/${step}.webp`, plainWebp(await drawn(page, clip, clip.width, 'webp')));
}

async function keep(file: string, bytes: Buffer): Promise<void> {
	await writeFile(path.join(MEDIA, file), bytes);
	console.log(`pictures: ${file}, ${bytes.length} bytes`);
}

/** A part of the window, at most this many pixels wide. On a canvas, because only the browser can write WebP. */
async function drawn(page: Page, clip: Clip, mostWidth: number, as: 'pixels' | 'webp'): Promise<Buffer> {
	const shot = await page.screenshot({ clip, animations: 'disabled' });
	const canvas = await page.context().newPage();
	try {
		const encoded = await canvas.evaluate<string>(`(async () => {
			const image = new Image();
			image.src = ${JSON.stringify(`data:image/png;base64,${shot.toString('base64')}`)};
			await image.decode();
			const canvas = document.createElement('canvas');
			canvas.width = Math.min(image.width, ${mostWidth});
			canvas.height = Math.round(image.height * canvas.width / image.width);
			const context = canvas.getContext('2d');
			context.imageSmoothingQuality = 'high';
			context.drawImage(image, 0, 0, canvas.width, canvas.height);
			if (${as === 'webp'}) return canvas.toDataURL('image/webp', ${WEBP_QUALITY});
			const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
			const reader = new FileReader();
			const read = new Promise((resolve) => { reader.onload = resolve; });
			reader.readAsDataURL(new Blob([data]));
			await read;
			return reader.result;
		})()`);
		return Buffer.from(encoded.split(',')[1] ?? '', 'base64');
	} finally {
		await canvas.close();
	}
}
