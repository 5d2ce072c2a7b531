/**
 * Draws media/icon.png from media/icon.svg; the Marketplace takes no SVG. The picture is committed, so this runs only when
 * the drawing changes: `node scripts/icon.ts`.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from './build.ts';

const SIZE_PX = 128;

const svg = await readFile(path.join(ROOT, 'media', 'icon.svg'), 'utf8');
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu'],
});
try {
	const page = await browser.newPage({ viewport: { width: SIZE_PX, height: SIZE_PX } });
	await page.setContent(
		`<style>html, body { margin: 0; background: transparent } svg { display: block }</style>${svg}`,
	);
	await page.screenshot({ path: path.join(ROOT, 'media', 'icon.png'), omitBackground: true });
} finally {
	await browser.close();
}
