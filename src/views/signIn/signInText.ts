/** What the notification of a running sign-in says, and its links. */
import * as vscode from 'vscode';
import type { RedirectRefusal } from '../../auth/signIn/redirectAnswer.ts';
import type { SignInStep } from '../../auth/signIn/ui.ts';
import type { CommandId } from '../ids.ts';
import { plain } from '../localizer.ts';

/** What a link in the notification does. */
export type StepAction = 'openAgain' | 'copyLink' | 'copyCode' | 'anotherWay' | 'here';

const ACTIONS: readonly StepAction[] = ['openAgain', 'copyLink', 'copyCode', 'anotherWay', 'here'];

export function isStepAction(action: unknown): action is StepAction {
	return ACTIONS.some((known) => known === action);
}

/** A link in the notification; VS Code carries out commands there. */
function stepLink(number: number, label: string, action: StepAction): string {
	const id: CommandId = 'agentAuth.signInStep';
	// A label that breaks over two lines looks like two links.
	const unbroken = label.replaceAll(' ', '\u00a0');
	// Without a title VS Code shows, and a screen reader reads, the address of the command.
	const title = label.replaceAll('"', '');
	return `[${unbroken}](command:${id}?${encodeURIComponent(JSON.stringify([number, action]))} "${title}")`;
}

/** Between the links of a notification. */
const GAP = '\u00a0 ';

export function pasteText(number: number): string {
	return [
		vscode.l10n.t('sign in in the browser, then paste the address that it ends at.'),
		stepLink(number, vscode.l10n.t('Another Way…'), 'anotherWay'),
	].join(GAP);
}

export function stepText(step: SignInStep, number: number): string {
	const link = (label: string, action: StepAction): string => stepLink(number, label, action);
	const anotherWay = link(vscode.l10n.t('Another Way…'), 'anotherWay');
	switch (step.kind) {
		case 'waitingForOtherWindow':
			return [
				vscode.l10n.t('another window is signing in, and this one will have the same account.'),
				link(vscode.l10n.t('Sign In Here Instead'), 'here'),
			].join(GAP);
		case 'preparing':
			return vscode.l10n.t('looking for a safe place for the sign-in…');
		case 'discovering':
			return vscode.l10n.t('asking the service how to sign in…');
		case 'browser':
			return [
				step.opened
					? vscode.l10n.t('continue in the browser.')
					: vscode.l10n.t('the browser could not be opened. Copy the link and open it yourself.'),
				link(step.opened ? vscode.l10n.t('Open Again') : vscode.l10n.t('Open'), 'openAgain'),
				link(vscode.l10n.t('Copy Link'), 'copyLink'),
				anotherWay,
			].join(GAP);
		case 'browserRefused':
			return [
				refusalText(step.reason, new URL(step.redirectUri)),
				link(vscode.l10n.t('Open Again'), 'openAgain'),
				link(vscode.l10n.t('Copy Link'), 'copyLink'),
				anotherWay,
			].join(GAP);
		case 'deviceCode':
			return [
				vscode.l10n.t('enter the code {0} at {1}.', plain(step.userCode), plain(step.verificationUri)),
				link(vscode.l10n.t('Copy Code and Open Browser'), 'copyCode'),
				link(vscode.l10n.t('Copy Link'), 'copyLink'),
				anotherWay,
			].join(GAP);
		case 'exchanging':
			return vscode.l10n.t('almost done…');
		default:
			return step satisfies never;
	}
}

/** What came back, and how to go on. */
function refusalText(reason: RedirectRefusal, { hostname, pathname }: URL): string {
	switch (reason) {
		case 'otherHost':
			return vscode.l10n.t(
				'the browser came back under another host name than {0}. Have that one registered at the service, or take another way.',
				hostname,
			);
		case 'otherPath':
			return vscode.l10n.t(
				'the browser came back to another address than {0}. Set redirectPath to the one that the service has registered, or take another way.',
				pathname,
			);
		case 'otherAttempt':
			return vscode.l10n.t('the browser came back from an earlier attempt. Continue in the newest page.');
		case 'noState':
			return vscode.l10n.t(
				'the answer in the browser lacks the value that shows whom it is for (state), so it was not taken. Try once more, or take another way.',
			);
		case 'noAnswer':
			return vscode.l10n.t(
				'the browser came back without a readable answer. Choose another way and paste the address that the browser shows.',
			);
		case 'form':
			return vscode.l10n.t(
				'the service sent its answer as a form, which is not understood here. Take another way, or set the service to answer with a redirect.',
			);
		default:
			return reason satisfies never;
	}
}
