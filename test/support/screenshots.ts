/**
 * Numbered pictures of a test's steps under `test/output/screenshots/<test>`, for people to look at.
 */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from '../../scripts/build.ts';

export type TakeScreenshot = (page: Page, name: string) => Promise<string>;

/** Empties the folder of `test`, answers a function that takes the next picture and its path. */
export async function screenshotsOf(test: string): Promise<TakeScreenshot> {
	const folder = path.join(ROOT, 'test', 'output', 'screenshots', test);
	await rm(folder, { recursive: true, force: true });
	await mkdir(folder, { recursive: true });
	let number = 0;
	return async (page, name) => {
		number++;
		const file = path.join(folder, `${String(number).padStart(2, '0')}-${name}.png`);
		// Not halfway through a fade.
		await page.screenshot({ path: file, animations: 'disabled' });
		return file;
	};
}
