/**
 * What a person does in a VS Code window, as functions on a page: commands, dialogs, menus, notifications.
 * Every function waits for its own condition, so that tests need no pauses.
 */
import { errors, type Locator, type Page } from 'playwright-core';
import { until } from './until.ts';

const MENU_CLICK_MS = 300;

/** How long an open palette may lack a command before it is opened anew: it does not learn of later extensions. */
const PALETTE_LOOK_MS = 3_000;

/**
 * Runs a command of the palette by its whole title, with its category as shown: `Agent Auth: Sign In`. Waits for the
 * extension that brings the command: a palette that was opened before it is there does not show it.
 */
export async function runCommand(page: Page, title: string): Promise<void> {
	await page.bringToFront();
	await until(`the palette knows ${title}`, async () => {
		await page.keyboard.press('Escape');
		await page.keyboard.press('F1');
		const input = quickInput(page).locator('input[type="text"], input.input').first();
		const row = quickInputRows(page).filter({ has: page.locator(`.label-name`, { hasText: exactly(title) }) });
		try {
			await input.fill(`>${title}`, { timeout: PALETTE_LOOK_MS });
			await row.first().click({ timeout: PALETTE_LOOK_MS });
			return true;
		} catch (error) {
			if (error instanceof errors.TimeoutError) return false;
			throw error;
		}
	});
}

/** The open quick pick or input box. */
export function quickInput(page: Page): Locator {
	return page.locator('.quick-input-widget:visible');
}

export function quickInputRows(page: Page): Locator {
	return quickInput(page).locator('.quick-input-list .monaco-list-row');
}

/** Chooses the row of the open quick pick whose label is, or matches, `label`. */
export async function pick(page: Page, label: string | RegExp): Promise<void> {
	const name = page.locator('.label-name', { hasText: typeof label === 'string' ? exactly(label) : label });
	await quickInputRows(page).filter({ has: name }).first().click();
}

/** Types into the open input box and accepts it. */
export async function answerInput(page: Page, text: string): Promise<void> {
	const input = quickInput(page).locator('input').first();
	await input.fill(text);
	await input.press('Enter');
}

/** The modal dialog that is open. */
export function dialog(page: Page): Locator {
	return page.locator('.monaco-dialog-box');
}

/** Waits for a dialog, answers its whole text. */
export async function dialogText(page: Page): Promise<string> {
	return normalise((await dialog(page).locator('.dialog-message-container').textContent()) ?? '');
}

/** Clicks a button of the modal dialog by its label and waits until that dialog is gone. */
export async function clickDialogButton(page: Page, label: string | RegExp): Promise<void> {
	const box = await dialog(page).elementHandle();
	const button = dialog(page).locator('.monaco-button', {
		hasText: typeof label === 'string' ? exactly(label) : label,
	});
	await button.first().click();
	// Another dialog may follow at once, so this one is watched, not the selector.
	await box?.waitForElementState('hidden').catch(allowGone);
}

/** Clicks an inline button of a row in a view, which is there only while the mouse is over the row. */
export async function clickRowButton(row: Locator, name: string): Promise<void> {
	await row.hover();
	await row.getByRole('button', { name }).click();
}

/** Opens the Accounts menu of the activity bar. */
export async function openAccountsMenu(page: Page): Promise<void> {
	await page
		.locator('.activitybar .action-item [aria-label^="Accounts"], .activitybar .codicon-accounts-view-bar-icon')
		.first()
		.click();
	await menuItems(page).first().waitFor();
}

/** Entries of the open menu and its submenus. */
export function menuItems(page: Page): Locator {
	return page.locator('.monaco-menu .action-item:not(.disabled) .action-label:not(.separator)');
}

/** Labels of the open menu. */
export async function menuLabels(page: Page): Promise<string[]> {
	await menuItems(page).first().waitFor();
	return (await menuItems(page).allInnerTexts()).map(normalise).filter((label) => label !== '');
}

/** Clicks through the open menu: all but the last label open their submenus. */
export async function chooseMenu(page: Page, ...labels: readonly (string | RegExp)[]): Promise<void> {
	for (const [index, label] of labels.entries()) {
		const text = typeof label === 'string' ? exactly(label) : label;
		const item = page.locator('.monaco-menu .action-menu-item').filter({ hasText: text }).last();
		await item.hover();
		if (index < labels.length - 1) {
			await item.press('ArrowRight');
			continue;
		}
		// VS Code ignores clicks that come right after a menu opened, so that opening it chooses nothing.
		await until(`the menu takes ${label}`, async () => {
			if ((await page.locator('.monaco-menu').count()) === 0) {
				return true;
			}
			await item.click({ timeout: MENU_CLICK_MS }).catch(allowGone);
			return false;
		});
	}
}

export async function closeMenu(page: Page): Promise<void> {
	await page.keyboard.press('Escape');
	await page.locator('.monaco-menu').first().waitFor({ state: 'detached' });
}

/** Notifications that are on the screen; `hasText` narrows them. */
export function notifications(page: Page, hasText?: string | RegExp): Locator {
	return page.locator('.notifications-toasts .notification-list-item', hasText === undefined ? {} : { hasText });
}

/** Waits for at least one notification; answers their messages. */
export async function readNotifications(page: Page): Promise<string[]> {
	const messages = notifications(page).locator('.notification-list-item-message');
	await messages.first().waitFor();
	return (await messages.allInnerTexts()).map(normalise);
}

/** Clicks a button of the notification that holds `text`. */
export async function clickNotificationButton(page: Page, text: string | RegExp, button: string): Promise<void> {
	const toast = notifications(page, text).first();
	await toast.hover();
	await toast
		.locator('.monaco-button', { hasText: exactly(button) })
		.first()
		.click();
}

/** Matches a label as a whole, in the way innerText shows it. */
export function exactly(label: string): RegExp {
	return new RegExp(`^\\s*${label.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ /g, '\\s+')}\\s*$`);
}

/** The workbench uses no-break spaces at will. */
function normalise(text: string): string {
	return text.replace(/\s+/g, ' ').trim();
}

/** The element went away while it was used, which is what was wanted. */
function allowGone(error: Error): void {
	if (!/not attached|detached|closed|Timeout/i.test(error.message)) {
		throw error;
	}
}
