/**
 * A terminal in a VS Code window, as a person uses it: opened by command, typed into, read from the screen.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { until } from './until.ts';
import { runCommand } from './workbench.ts';

const ROWS = '.terminal-wrapper.active .xterm-rows';

const COMMAND_DEADLINE_MS = 60_000;

const ECHO_DEADLINE_MS = 5_000;

/** Opens a new terminal and waits for its prompt. */
export async function openTerminal(page: Page): Promise<void> {
	const before = await page.locator('.terminal-wrapper').count();
	await runCommand(page, 'Terminal: Create New Terminal');
	await until('a new terminal is there', async () => (await page.locator('.terminal-wrapper').count()) > before);
	await until('the terminal shows a prompt', async () => /[$#%>]/.test(await readTerminal(page)));
}

/**
 * Enters a line and presses Enter once it stands on the screen. It comes in one piece, because key by key it takes seconds.
 * While a menu or a dialog closes, the focus goes elsewhere once more and some of it gets lost; then it comes again.
 */
export async function typeInTerminal(page: Page, line: string): Promise<void> {
	const wanted = line.replace(/\s/g, '');
	const isShown = async (): Promise<boolean> => (await readTerminal(page)).replace(/\s/g, '').endsWith(wanted);
	await until('the terminal takes the line', async () => {
		await page.locator('.terminal-wrapper.active textarea.xterm-helper-textarea').focus();
		// Empties the line. Besides, the terminal ignores what comes without keys until a key went up where it went down.
		await page.keyboard.press('Control+u');
		await page.keyboard.insertText(line);
		return until('the line is shown', isShown, ECHO_DEADLINE_MS).catch(() => false);
	});
	await page.keyboard.press('Enter');
}

/** What the active terminal shows: its visible rows, without trailing spaces. */
export async function readTerminal(page: Page): Promise<string> {
	const rows = await page.locator(`${ROWS} > div`).allTextContents();
	return rows
		.map((row) => row.replace(/\u00a0/g, ' ').trimEnd())
		.join('\n')
		.trimEnd();
}

/** Waits until the terminal shows `text`. */
export async function terminalShows(page: Page, text: string | RegExp): Promise<void> {
	await until(`the terminal shows ${text}`, async () => {
		const shown = await readTerminal(page);
		return typeof text === 'string' ? shown.includes(text) : text.test(shown);
	});
}

export interface TerminalResult {
	readonly status: number;
	readonly stdout: string;
	readonly stderr: string;
}

/**
 * Runs a shell command in the active terminal and answers what it printed, through files in `folder`,
 * so that long lines are not broken at the width of the screen.
 */
export async function runInTerminal(
	page: Page,
	folder: string,
	command: string,
	deadlineMs = COMMAND_DEADLINE_MS,
): Promise<TerminalResult> {
	const base = path.join(folder, `.terminal-${randomUUID()}`);
	const files = { stdout: `${base}.out`, stderr: `${base}.err`, status: `${base}.status` };
	await typeInTerminal(
		page,
		`{ ${command}; } >${files.stdout} 2>${files.stderr}; echo $? >${files.status}.new; mv ${files.status}.new ${files.status}`,
	);
	const status = await until(
		`"${command}" ends in the terminal`,
		() => readFile(files.status, 'utf8').catch(allowAbsent),
		deadlineMs,
	);
	const [stdout, stderr] = await Promise.all([readFile(files.stdout, 'utf8'), readFile(files.stderr, 'utf8')]);
	await Promise.all(Object.values(files).map((file) => rm(file, { force: true })));
	return { status: Number(status), stdout, stderr };
}

function allowAbsent(error: NodeJS.ErrnoException): undefined {
	if (error.code !== 'ENOENT') {
		throw error;
	}
	return undefined;
}
