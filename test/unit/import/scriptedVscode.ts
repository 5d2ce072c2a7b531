/** As much of the module `vscode` as the import of keys and the removal of data use: it shows nothing, and a test answers in a person's place. */
import assert from 'node:assert/strict';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

export type Asked = {
	readonly kind: 'pick' | 'open' | 'info' | 'warning' | 'error' | 'command' | 'document';
	readonly text: string;
	readonly detail?: string;
	readonly items?: readonly Item[];
};

type Item = {
	readonly label: string;
	readonly description?: string;
	readonly detail?: string;
	readonly picked?: boolean;
};
type File = { readonly scheme: string; readonly path: string; readonly fsPath: string };
/** For a pick the labels; for a dialog the file; for a message its button; undefined gives up. */
type Answer = readonly string[] | File | string | undefined;

/** What was shown and asked since the last {@link answerWith}, in order. */
export const asked: Asked[] = [];
let answers: Answer[] = [];

/** The person's answers to the questions to come. */
export function answerWith(...next: readonly Answer[]): void {
	asked.length = 0;
	answers = [...next];
}

function answer(question: Asked): Answer {
	asked.push(question);
	return answers.shift();
}

export const env = { language: 'en' };
export const l10n = plainLocalizer;

export const ProgressLocation = { Notification: 15 };

export const commands = {
	async executeCommand(id: string): Promise<void> {
		asked.push({ kind: 'command', text: id });
	},
};

export const window = {
	async showQuickPick(items: readonly Item[], options: { placeHolder: string; canPickMany?: boolean }) {
		const given = answer({ kind: 'pick', text: options.placeHolder, items });
		if (given === undefined) return undefined;
		assert.ok(Array.isArray(given));
		const picked = given.map(
			(label: string) => items.find((item) => item.label === label) ?? assert.fail(`no ${label}`),
		);
		return options.canPickMany ? picked : picked[0];
	},
	async showOpenDialog({ title }: { title: string }) {
		const given = answer({ kind: 'open', text: title });
		return given === undefined ? undefined : [given];
	},
	showInformationMessage: async (text: string, ...rest: (string | { readonly detail?: string })[]) =>
		message('info', text, rest),
	showWarningMessage: async (text: string, ...rest: (string | { readonly detail?: string })[]) =>
		message('warning', text, rest),
	showErrorMessage: async (text: string, ...rest: (string | { readonly detail?: string })[]) =>
		message('error', text, rest),
	withProgress: <T>(_options: unknown, work: () => Promise<T>): Promise<T> => work(),
	async showTextDocument({ fsPath }: File): Promise<void> {
		asked.push({ kind: 'document', text: fsPath });
	},
};

function message(
	kind: 'info' | 'warning' | 'error',
	text: string,
	rest: readonly (string | { readonly detail?: string })[],
): Answer {
	const [options] = rest;
	const detail = typeof options === 'object' ? options.detail : undefined;
	const given = answer({ kind, text, ...(detail === undefined ? {} : { detail }) });
	assert.ok(given === undefined || (typeof given === 'string' && rest.includes(given)), `no button ${String(given)}`);
	return given;
}
