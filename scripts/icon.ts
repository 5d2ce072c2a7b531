/**
 * Draws media/icon.png from media/icon.svg; the Marketplace takes no SVG. The picture is committed, so this runs only when
 * the drawing changes: `node scripts/icon.ts`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from './build.ts';
import { fewColours } from './fewColours.ts';
import { indexedPng } from './indexedPng.ts';

const SIZE_PX = 128;
/** The ground in all its shades; the rest for the edges. */
const COMMON = 40;
const MOST = 128;

const svg = await readFile(path.join(ROOT, 'media', 'icon.svg'), 'utf8');
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu'],
});
try {
	const page = await browser.newPage({ viewport: { width: SIZE_PX, height: SIZE_PX } });
	const pixels = await page.evaluate<number[]>(`(async () => {
		const image = new Image();
		image.src = 'data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}';
		await image.decode();
		const canvas = document.createElement('canvas');
		canvas.width = canvas.height = ${SIZE_PX};
		const context = canvas.getContext('2d');
		context.drawImage(image, 0, 0);
		return [...context.getImageData(0, 0, ${SIZE_PX}, ${SIZE_PX}).data];
	})()`);
	await writeFile(
		path.join(ROOT, 'media', 'icon.png'),
		indexedPng(fewColours(Uint8Array.from(pixels), COMMON, MOST), SIZE_PX, SIZE_PX),
	);
} finally {
	await browser.close();
}
