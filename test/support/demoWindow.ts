/**
 * What a person does with the demo service in a VS Code window: asks the consumer who they are, signs in at the service's
 * own page, looks at the accounts.
 */
import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import { until } from './until.ts';
import { clickDialogButton, dialogText, notifications, pick, runCommand } from './workbench.ts';

export const ASK = 'Demo Consumer: Who am I?';
export const ASK_SILENTLY = 'Demo Consumer: Who am I? (silently)';

const ANSWER = /You are|Nobody is signed in|refused the token|No session|cannot be reached/;

/** Takes away what earlier steps have said, so that what comes next is new. */
export async function clearNotifications(page: Page): Promise<void> {
	// With nothing to wait for the command could come late, and would then cancel a progress that began meanwhile.
	if ((await notifications(page).count()) === 0) return;
	await runCommand(page, 'Notifications: Clear All Notifications');
	await until('the notifications are gone', async () => (await notifications(page).count()) === 0);
}

/** The text of the notification that matches, once it is on the screen. */
export async function messageText(page: Page, text: RegExp): Promise<string> {
	const toast = notifications(page, text).first();
	await toast.waitFor();
	return (await toast.locator('.notification-list-item-message').innerText()).replace(/\s+/g, ' ').trim();
}

/** Asks the consumer and answers what it says. */
export async function whoAmI(page: Page, title = ASK_SILENTLY): Promise<string> {
	await clearNotifications(page);
	await runCommand(page, title);
	return messageText(page, ANSWER);
}

/** The consumer asks for a session, and the person allows it to. */
export async function askAndAllow(page: Page): Promise<void> {
	await clearNotifications(page);
	await runCommand(page, ASK);
	assert.match(await dialogText(page), /Demo Consumer.*wants to sign in using Demo Service/s);
	await clickDialogButton(page, 'Allow');
}

/** The page that the browser opens because of `action`. */
export async function openedBy(page: Page, action: () => Promise<void>): Promise<Page> {
	const [opened] = await Promise.all([page.context().waitForEvent('page'), action()]);
	return opened;
}

export type PersonName = 'Ada Lovelace' | 'Grace Hopper';

/** Presses the person's button on the sign-in page of the service. */
export async function choosePerson(login: Page, name: PersonName): Promise<void> {
	await login.getByRole('button', { name: `Sign in as ${name}` }).click();
}

/** Signs in at the page that the flow opened, reads what it ends with, and closes it. */
export async function finishInBrowser(login: Page, name: PersonName, ending: RegExp): Promise<void> {
	await choosePerson(login, name);
	await login.getByRole('heading', { name: ending }).waitFor();
	await login.close();
}

/** The whole usual way: asked by the consumer, allowed, signed in by the loopback redirect, known to the consumer. */
export async function signInByConsumer(page: Page, name: PersonName): Promise<void> {
	const login = await openedBy(page, () => askAndAllow(page));
	await finishInBrowser(login, name, /^Signed in to Demo Service/);
	await messageText(page, new RegExp(`You are ${name}`));
}

/** The notification of the running sign-in. */
export function signInProgress(page: Page): Locator {
	return notifications(page, /Signing in to Demo Service/);
}

/** Opens the view; answers its part of the side bar. */
export async function showAccounts(page: Page): Promise<Locator> {
	await runCommand(page, 'View: Show Agent Auth');
	const view = page.locator('.part.sidebar');
	await view.getByText('Agent Auth').first().waitFor();
	return view;
}

/** An account in the view; its accessible name holds label, service and state. */
export function accountRow(page: Page, name: RegExp): Locator {
	return page.locator('.part.sidebar').getByRole('treeitem', { name });
}

/** Waits for the text that the view shows instead of accounts; answers it with the labels of its buttons. */
export async function welcomeText(page: Page, text: RegExp): Promise<string> {
	const welcome = page.locator('.part.sidebar .welcome-view-content:visible').filter({ hasText: text });
	await welcome.waitFor();
	return (await welcome.innerText()).replace(/\s+/g, ' ').trim();
}

/**
 * Waits until VS Code has written down that the consumer may have the account: in a browser it does so every five
 * seconds, and a window that is closed earlier asks again in its next life.
 */
export async function consentIsKept(page: Page): Promise<void> {
	await until('VS Code has written the consent', () => page.evaluate<boolean>(CONSENT_IS_KEPT));
}

/** Runs in the window, whose types are not those of Node. */
const CONSENT_IS_KEPT = `(async () => {
	const asked = (request) => new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
	for (const { name } of await indexedDB.databases()) {
		if (!name.startsWith('vscode-web-state-db-')) continue;
		const database = await asked(indexedDB.open(name));
		const table = database.transaction('ItemTable', 'readonly').objectStore('ItemTable');
		const value = await asked(table.get('agent-auth.demo-Automatic'));
		database.close();
		if (String(value).includes('consumer')) return true;
	}
	return false;
})()`;

/** Signs the only account out by its command. */
export async function signOut(page: Page): Promise<void> {
	await runCommand(page, 'Agent Auth: Sign Out');
	await pick(page, /^Forget Here/);
	await clickDialogButton(page, /^Sign Out/);
	await until('nobody is signed in', async () => /Nobody/.test(await whoAmI(page)));
}

/** What stands in the address bar of the browser, also over a page that could not be loaded. */
export async function addressBar(tab: Page): Promise<string> {
	const session = await tab.context().newCDPSession(tab);
	try {
		const { entries, currentIndex } = await session.send('Page.getNavigationHistory');
		return entries[currentIndex]?.url ?? '';
	} catch (error) {
		// The browser is changing to its own error page, which is a page of another process.
		if (error instanceof Error && /Not attached|closed/.test(error.message)) return '';
		throw error;
	} finally {
		await session.detach().catch(() => undefined); // It goes with the page that is changed.
	}
}
