/**
 * VS Code without a mouse: keys only, and what a screen reader is told. Names and roles are those of the browser's own
 * accessibility tree, which is what a screen reader reads.
 */
import type { CDPSession, Page } from 'playwright-core';
import { until } from './until.ts';

/** More than there are places to go to in a window. */
const TABS = 60;

const FOCUSED = `(() => {
	let element = document.activeElement;
	while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
	const within = element?.getAttribute('aria-activedescendant');
	return (within && document.getElementById(within)) || element;
})()`;

const ALERTS = `[...document.querySelectorAll('.monaco-aria-container > div')].map((node) => node.textContent ?? '')`;

export type Spoken = { readonly role: string; readonly name: string; readonly description: string };

export type ScreenReader = {
	/** What is said of the place that has the focus. */
	focused(): Promise<Spoken>;
	/** Runs a command of the palette by its whole title. */
	command(title: string): Promise<void>;
	/** Presses `key` until the focus is at what is called so; answers it. */
	goTo(name: RegExp, key?: 'Tab' | 'Shift+Tab' | 'ArrowDown'): Promise<Spoken>;
	/** Waits until this was said without the focus going there. */
	hears(text: RegExp): Promise<void>;
};

export async function screenReader(page: Page): Promise<ScreenReader> {
	const session: CDPSession = await page.context().newCDPSession(page);
	const heard: string[] = [];

	async function focused(): Promise<Spoken> {
		const { result } = await session.send('Runtime.evaluate', { expression: FOCUSED });
		if (result.objectId === undefined) return { role: '', name: '', description: '' };
		const { nodes } = await session.send('Accessibility.getPartialAXTree', {
			objectId: result.objectId,
			fetchRelatives: false,
		});
		const [node] = nodes;
		const said = (value: { readonly value?: unknown } | undefined): string =>
			String(value?.value ?? '').replaceAll('\u00a0', ' ');
		return { role: said(node?.role), name: said(node?.name), description: said(node?.description) };
	}

	return {
		focused,
		async command(title) {
			let tries = 0;
			await until(`the palette has ${title} in focus`, async () => {
				// Of a palette only: elsewhere it would hide a notification.
				if (tries++ > 0) await page.keyboard.press('Escape');
				await page.keyboard.press('F1');
				await until('the palette has the focus', async () => /option|textbox/.test((await focused()).role));
				await page.keyboard.insertText(title);
				const isThere = async (): Promise<boolean> => (await focused()).name.split(',')[0] === title;
				return until('the command is in focus', isThere, 3_000).catch(() => false);
			});
			await page.keyboard.press('Enter');
		},
		async goTo(name, key = 'Tab') {
			const passed: string[] = [];
			for (let press = 0; press < TABS; press++) {
				const place = await focused();
				if (name.test(place.name)) return place;
				passed.push(`${place.role} "${place.name}"`);
				await page.keyboard.press(key);
			}
			throw new Error(`${key} does not lead to ${name}, but to ${passed.join(', ')}`);
		},
		hears: (text) =>
			until(`the screen reader hears ${text}`, async () => {
				heard.push(...(await page.evaluate<string[]>(ALERTS)));
				return heard.some((line) => text.test(line));
			}).then(() => undefined),
	};
}
