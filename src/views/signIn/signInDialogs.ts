/** The questions that come up while a sign-in runs. */
import * as vscode from 'vscode';
import type { Identity } from '../../auth/credential.ts';
import type { Provider } from '../../auth/provider.ts';
import type { FlowKind, SignInStep } from '../../auth/signIn/ui.ts';
import { plain } from '../localizer.ts';

/**
 * Shows the code of a device sign-in (RFC 8628), and for which service it is: strangers send people such codes.
 * `undefined` if the person cancelled.
 */
export async function showDeviceCode(
	provider: Provider,
	step: Extract<SignInStep, { kind: 'deviceCode' }>,
): Promise<'open' | 'anotherWay' | undefined> {
	const open = vscode.l10n.t('Copy Code and Open Browser');
	const anotherWay = vscode.l10n.t('Another Way…');
	const service = plain(provider.label);
	const answer = await vscode.window.showInformationMessage(
		vscode.l10n.t('Your code for {0} is {1}', service, plain(step.userCode)),
		{
			modal: true,
			detail: vscode.l10n.t(
				'Enter it at {0} to sign in to {1}. Go on only if you started this sign-in yourself; never enter a code that somebody sent you.',
				plain(step.verificationUri),
				service,
			),
		},
		open,
		anotherWay,
	);
	return answer === open ? 'open' : answer === anotherWay ? 'anotherWay' : undefined;
}

/** @param signal closes the list. */
export async function pickFlow(
	provider: Provider,
	available: readonly FlowKind[],
	current: FlowKind,
	signal: AbortSignal,
): Promise<FlowKind | undefined> {
	const closing = new vscode.CancellationTokenSource();
	signal.addEventListener('abort', () => closing.cancel(), { once: true });
	const items = available
		.filter((flow) => flow !== current)
		.map((flow) => ({ ...flowItem(flow), flow }) satisfies vscode.QuickPickItem & { flow: FlowKind });
	const picked = await vscode.window.showQuickPick(
		items,
		{
			title: vscode.l10n.t('Another way to sign in to {0}', provider.label),
			placeHolder: vscode.l10n.t('Press Escape to stay with the present one'),
			ignoreFocusOut: true,
		},
		closing.token,
	);
	return picked?.flow;
}

function flowItem(flow: FlowKind): vscode.QuickPickItem {
	switch (flow) {
		case 'loopback':
			return {
				label: vscode.l10n.t('Browser on this computer'),
				detail: vscode.l10n.t('The browser comes back by itself.'),
			};
		case 'device':
			return {
				label: vscode.l10n.t('Code on any device'),
				detail: vscode.l10n.t('Enter a short code in a browser, also on a phone.'),
			};
		case 'paste':
			return {
				label: vscode.l10n.t('Paste the address'),
				detail: vscode.l10n.t('Sign in in any browser, then paste the address it ends at.'),
			};
		default:
			return flow satisfies never;
	}
}

export async function confirmOtherAccount(provider: Provider, expected: string, actual: Identity): Promise<boolean> {
	const name = plain(actual.email ?? actual.name ?? actual.subject ?? vscode.l10n.t('an unnamed account'));
	const use = vscode.l10n.t('Use This Account');
	const answer = await vscode.window.showWarningMessage(
		vscode.l10n.t('You signed in to {0} as {1}.', plain(provider.label), name),
		{
			modal: true,
			detail: vscode.l10n.t('{0} was expected. Use {1} all the same?', plain(expected), name),
		},
		use,
	);
	return answer === use;
}
