/**
 * A sign-in as the person sees it: one notification for the whole of it, with links for what can be done meanwhile.
 * Buttons would need a second notification, which nothing could take away when the sign-in is over.
 */
import * as vscode from 'vscode';
import { AuthError } from '../../auth/errors.ts';
import { describeError, type Logger } from '../../auth/log.ts';
import type { Provider } from '../../auth/provider.ts';
import type { SignInChoice, SignInSession, SignInStep, SignInUi } from '../../auth/signIn/ui.ts';
import { plain } from '../localizer.ts';
import { openBrowser } from './openBrowser.ts';
import { askForRedirectUrl } from './redirectInput.ts';
import { confirmOtherAccount, pickFlow, showDeviceCode } from './signInDialogs.ts';
import { isStepAction, pasteText, type StepAction, stepText } from './signInText.ts';

export type SignInViews = {
	readonly ui: SignInUi;
	/** Carries out a link: `[number of the sign-in, action]`. Does nothing when that sign-in is over. */
	runStep(args: readonly unknown[]): Promise<void>;
};

export function createSignInViews(log: Logger): SignInViews {
	const running = new Map<number, (action: StepAction) => Promise<void>>();
	let count = 0;

	return {
		ui: {
			run: (provider, work) => {
				const number = ++count;
				const title = vscode.l10n.t('Signing in to {0}', plain(provider.label));
				return Promise.resolve(
					vscode.window.withProgress(
						{ location: vscode.ProgressLocation.Notification, cancellable: true, title },
						async (progress, token) => {
							const attempt = createAttempt(number, provider, log, (message) => progress.report({ message }));
							const cancellation = token.onCancellationRequested(attempt.cancel);
							running.set(number, attempt.act);
							try {
								return await work(attempt.session);
							} finally {
								running.delete(number);
								cancellation.dispose();
								attempt.end();
							}
						},
					),
				);
			},
		},
		async runStep([number, action]) {
			if (typeof number !== 'number' || !isStepAction(action)) return;
			await running.get(number)?.(action);
		},
	};
}

type Attempt = {
	readonly session: SignInSession;
	act(action: StepAction): Promise<void>;
	cancel(): void;
	/** The sign-in is over: what is still open closes, what is clicked later does nothing. */
	end(): void;
};

function createAttempt(number: number, provider: Provider, log: Logger, show: (message: string) => void): Attempt {
	const cancelled = new AbortController();
	const over = new AbortController();
	let handler: ((choice: SignInChoice) => void) | undefined;
	let step: SignInStep = { kind: 'preparing' };
	/** Pending while a dialog shows the code. */
	let codeDialog: Promise<void> | undefined;
	const cancel = (): void => cancelled.abort(new AuthError('cancelled', 'the person cancelled the sign-in'));

	async function act(action: StepAction): Promise<void> {
		if (over.signal.aborted) return;
		if (action === 'anotherWay' || action === 'here') handler?.(action);
		else if (action === 'copyLink' && 'url' in step) await vscode.env.clipboard.writeText(step.url);
		else if (step.kind === 'deviceCode') {
			await vscode.env.clipboard.writeText(step.userCode);
			await openBrowser(step.url);
		} else if (action === 'openAgain') handler?.('openAgain');
	}

	async function offerDeviceCode(shown: Extract<SignInStep, { kind: 'deviceCode' }>): Promise<void> {
		try {
			const choice = await showDeviceCode(provider, shown);
			if (over.signal.aborted || step !== shown) return;
			if (choice === 'open') await act('copyCode');
			else if (choice === 'anotherWay') await act('anotherWay');
			else cancel();
		} catch (error) {
			// The notification holds the same code and links.
			log.warn(`device code dialog: ${describeError(error)}`);
		} finally {
			codeDialog = undefined;
		}
	}

	return {
		act,
		cancel,
		end: () => over.abort(),
		session: {
			signal: cancelled.signal,
			report(next) {
				step = next;
				show(stepText(next, number));
				codeDialog = next.kind === 'deviceCode' ? offerDeviceCode(next) : undefined;
			},
			onChoice(next) {
				handler = next;
				return {
					dispose() {
						if (handler === next) handler = undefined;
					},
				};
			},
			async openBrowser(url) {
				if (codeDialog === undefined) return openBrowser(url);
				// The code has to be copied first, so the dialog's button opens the browser.
				await codeDialog;
				return true;
			},
			askForRedirectUrl(authorizationUrl, problem, signal) {
				show(pasteText(number));
				return askForRedirectUrl({
					provider,
					authorizationUrl,
					problem,
					signal: AbortSignal.any([signal, cancelled.signal, over.signal]),
					onAnotherWay: () => handler?.('anotherWay'),
				});
			},
			pickFlow: (available, current) =>
				pickFlow(provider, available, current, AbortSignal.any([cancelled.signal, over.signal])),
			confirmOtherAccount: (expected, actual) => confirmOtherAccount(provider, expected, actual),
		},
	};
}
