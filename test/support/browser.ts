/**
 * A real browser with VS Code windows in it. Each page is a window with an extension host of its own; pages of one
 * context share a profile, as tabs do.
 */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { ensureChromium } from '../../scripts/chromium.ts';
import type { RunningVscodeServer } from './vscodeServer.ts';

/** Quiet, and able to run as root in a container. */
export const CHROMIUM_FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	// A window in the background works as one in the foreground does.
	'--disable-background-timer-throttling',
	'--disable-backgrounding-occluded-windows',
	'--disable-renderer-backgrounding',
];

/** A window is up after three seconds on an idle machine; the first of a server takes longest. */
const WINDOW_DEADLINE_MS = 90_000;

/** Longest wait of any single step in a window. */
const STEP_DEADLINE_MS = 60_000;

export async function launchBrowser(): Promise<Browser> {
	return chromium.launch({
		executablePath: await ensureChromium(),
		args: CHROMIUM_FLAGS,
		headless: true,
		// A signal ends the test process, and its exit takes browser and server along; Playwright would only close the former.
		handleSIGINT: false,
		handleSIGTERM: false,
		handleSIGHUP: false,
	});
}

/** A browser profile of its own: nothing is shared with other contexts. */
export async function newProfile(browser: Browser): Promise<BrowserContext> {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
	context.setDefaultTimeout(STEP_DEADLINE_MS);
	await context.grantPermissions(['clipboard-read', 'clipboard-write']);
	return context;
}

export interface WindowOptions {
	/** Absolute path; the server's own workspace by default. */
	readonly folder?: string;
}

/** Opens a window on a folder and waits until its workbench is there and takes commands. */
export async function openWindow(
	context: BrowserContext,
	server: RunningVscodeServer,
	options: WindowOptions = {},
): Promise<Page> {
	const page = await context.newPage();
	const query = new URLSearchParams({ folder: options.folder ?? server.workspace });
	await page.goto(`${server.url}/?${query}`, { timeout: WINDOW_DEADLINE_MS });
	await windowReady(page);
	return page;
}

/** Waits for the workbench of a page that was opened or reloaded. */
export async function windowReady(page: Page): Promise<void> {
	await page.waitForSelector('.monaco-workbench .part.statusbar .statusbar-item', { timeout: WINDOW_DEADLINE_MS });
	// The remote indicator gets its text once the connection to the server stands.
	await page.waitForSelector('.monaco-workbench .part.sidebar .composite.title, .monaco-workbench .part.editor', {
		timeout: WINDOW_DEADLINE_MS,
	});
}

/** Wipes VS Code's SecretStorage of this profile, as clearing the site data or another tab can. No window may be open. */
export async function forgetSecrets(context: BrowserContext, server: RunningVscodeServer): Promise<void> {
	const page = await context.newPage();
	// A page of the same origin that is no workbench.
	await page.goto(`${server.url}/healthz`);
	await page.evaluate(() => localStorage.removeItem('secrets.provider'));
	await page.close();
}
