/**
 * A Chromium for Playwright to drive: the one installed, else Debian's, else Playwright's own download.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from './build.ts';
import { aptInstall, canAptInstall, findInPath } from './debian.ts';
import { mustRun, withProgress } from './progress.ts';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** Path of the browser's executable; installs one when there is none. */
export async function ensureChromium(): Promise<string> {
	const found = findChromium();
	if (found !== undefined) {
		return found;
	}
	if (canAptInstall()) {
		await aptInstall(['chromium']);
	} else {
		const cli = path.join(ROOT, 'node_modules', 'playwright-core', 'cli.js');
		await withProgress('fetching Chromium through Playwright', () =>
			mustRun(process.execPath, [cli, 'install', 'chromium']),
		);
	}
	const installed = findChromium();
	if (installed === undefined) {
		throw new Error('Chromium was installed but cannot be found: put `chromium` into PATH and run this again.');
	}
	return installed;
}

/** An installed browser, or undefined. */
export function findChromium(): string | undefined {
	const inPath = PROGRAMS.map(findInPath).find((file) => file !== undefined);
	const ofPlaywright = chromium.executablePath();
	return inPath ?? (existsSync(ofPlaywright) ? ofPlaywright : undefined);
}
