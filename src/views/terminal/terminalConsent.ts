/** What terminals are told and what the person is asked about them: whether one may have a service's tokens. */
import * as vscode from 'vscode';
import type { ConsentQuestion } from '../../auth/terminal/access.ts';
import type { Consumer } from '../../auth/terminal/consumer.ts';
import type { ConsentAnswer } from '../../auth/terminal/grant.ts';
import type { ConfirmKey } from '../../auth/terminal/requestContext.ts';
import { clockText } from '../clockText.ts';
import { display } from '../display.ts';
import { plain } from '../localizer.ts';

/** Paths and names are other people's text; more of them than this hides the question. */
const MAX_SHOWN = 120;

type Choice = vscode.MessageItem & { readonly answer: ConsentAnswer };

export async function askTerminalConsent(question: ConsentQuestion): Promise<ConsentAnswer> {
	const service = plain(question.target.label);
	const title =
		question.consumer.kind === 'terminal'
			? vscode.l10n.t('Allow the terminal "{0}" to use your {1} account?', shown(question.consumer.name), service)
			: vscode.l10n.t("Allow a program outside of this window's terminals to use your {0} account?", service);
	const answer = await vscode.window.showWarningMessage(
		title,
		{ modal: true, detail: detailOf(question) },
		...choicesFor(question),
	);
	return answer?.answer ?? 'no';
}

function choicesFor({ consumer, workspaceName }: ConsentQuestion): Choice[] {
	const session: Choice =
		consumer.kind === 'terminal'
			? { title: vscode.l10n.t('Allow in This Terminal'), answer: 'session' }
			: { title: vscode.l10n.t('Allow Until This Window Closes'), answer: 'session' };
	const workspace: Choice[] =
		consumer.kind === 'terminal' && workspaceName !== undefined
			? [{ title: vscode.l10n.t('Allow in This Workspace'), answer: 'workspace' }]
			: [];
	const once: Choice = { title: vscode.l10n.t('Allow Once'), answer: 'once' };
	const never: Choice = { title: vscode.l10n.t('Never'), answer: 'never' };
	const no: Choice = { title: vscode.l10n.t("Don't Allow"), answer: 'no', isCloseAffordance: true };
	return [session, once, ...workspace, never, no];
}

/** Who asks, from where, and what is given. */
function detailOf(question: ConsentQuestion): string {
	const { consumer, program, folder, workspaceName, expiresAtMs } = question;
	const service = plain(question.target.label);
	const lines: string[] = [];
	if (program !== undefined) lines.push(vscode.l10n.t('Program: {0} (as it calls itself)', shown(program)));
	if (folder !== '') lines.push(vscode.l10n.t('Folder: {0}', shown(folder)));
	if (workspaceName !== undefined) lines.push(vscode.l10n.t('Workspace: {0}', shown(workspaceName)));
	lines.push(
		expiresAtMs === undefined
			? vscode.l10n.t('It gets an access token for {0}, and no refresh token.', service)
			: vscode.l10n.t(
					'It gets an access token for {0} that works until {1}, and no refresh token.',
					service,
					clockText(expiresAtMs, Date.now(), display),
				),
		'',
		consumer.kind === 'terminal'
			? vscode.l10n.t('What you allow counts for everything that runs in the terminal.')
			: vscode.l10n.t(
					'What you allow counts for all programs of your user account. Allow it only if you have just started one.',
				),
	);
	return lines.join('\n');
}

/** A key makes an account, and what is done with that account can be seen by whoever has the key as well. */
export const confirmTerminalKey: ConfirmKey = async ({ consumer, target, name, program }) => {
	const store: vscode.MessageItem = { title: vscode.l10n.t('Store the Key') };
	const answer = await vscode.window.showWarningMessage(
		vscode.l10n.t('Store an API key for {0} that comes from {1}?', plain(target.label), sourceOf(consumer)),
		{
			modal: true,
			detail: [
				vscode.l10n.t('Name of the account: {0}', shown(name)),
				...(program === undefined ? [] : [vscode.l10n.t('Program: {0} (as it calls itself)', shown(program))]),
				'',
				vscode.l10n.t('Store it only if you have just handed it over yourself.'),
			].join('\n'),
		},
		store,
	);
	return answer === store;
};

function sourceOf(consumer: Consumer): string {
	return consumer.kind === 'terminal'
		? vscode.l10n.t('the terminal "{0}"', shown(consumer.name))
		: vscode.l10n.t("a program outside of this window's terminals");
}

function shown(text: string): string {
	const clean = plain(text).replace(/\p{Cc}/gu, ' ');
	return clean.length > MAX_SHOWN ? `…${clean.slice(1 - MAX_SHOWN)}` : clean;
}

/** Shown by VS Code with the environment of a terminal. */
export function terminalDescription(): string {
	return vscode.l10n.t('Puts the command `agent-auth` on the PATH. It holds no token.');
}
