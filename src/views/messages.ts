/** Every failure as people read it: one sentence that says what happened, and one thing to do about it. */
import { type AuthError, type AuthErrorDetail, isAuthError } from '../auth/errors.ts';
import { clockText } from './clockText.ts';
import { type Localizer, plain } from './localizer.ts';

export type FailureAction =
	| 'signIn'
	| 'retryVault'
	| 'openSettings'
	| 'showLog'
	| 'updateExtension'
	| 'manageTrust'
	/** Let an account that is billed differently stand in, or not. */
	| 'decide'
	| 'bind'
	| 'showAccounts';

export type FailureMessage = {
	readonly text: string;
	/** Absent where there is nothing to do. */
	readonly action?: FailureAction;
};

/** @param labelOf the label of a provider by its id; undefined if it is not configured any more. */
export function failureMessage(
	error: unknown,
	labelOf: (providerId: string) => string | undefined,
	l10n: Localizer,
): FailureMessage {
	if (!isAuthError(error)) {
		return { text: l10n.t('Something unexpected went wrong. The log has the details.'), action: 'showLog' };
	}
	const id = error.detail.provider;
	const label = id === undefined ? undefined : (labelOf(id) ?? id);
	return messageOf(error, label === undefined ? l10n.t('the service') : plain(label), l10n);
}

function messageOf(error: AuthError, service: string, l10n: Localizer): FailureMessage {
	const { detail, code } = error;
	switch (code) {
		case 'no_account':
			return { text: l10n.t('No account of {0} is signed in.', service), action: 'signIn' };
		case 'invalid_grant':
			return { text: l10n.t('The session with {0} has ended. Sign in again.', service), action: 'signIn' };
		case 'unknown_outcome':
			return {
				text: l10n.t(
					'Twice in a row the window that was renewing the session with {0} was closed or ended before it had the answer. Sign in again.',
					service,
				),
				action: 'signIn',
			};
		case 'unavailable':
			return {
				text: l10n.t('The session with {0} has expired and cannot be renewed. Sign in again.', service),
				action: 'signIn',
			};
		case 'service_changed':
			return {
				text: l10n.t(
					'The settings of {0} name another service than the one where this account signed in. Nothing was sent there. Sign in again, or correct the settings.',
					service,
				),
				action: 'signIn',
			};
		case 'transient':
			return { text: withServerError(transientText(detail.retryAtMs, service, l10n), error), action: 'showLog' };
		case 'locked':
			return {
				text: l10n.t(
					'Another window is renewing the session with {0} and has not finished. Try again in a moment.',
					service,
				),
				action: 'showLog',
			};
		case 'storage':
			return { text: l10n.t('The stored sign-ins cannot be read or written.'), action: 'showLog' };
		case 'key_missing':
			return {
				text: l10n.t(
					'The key that opens the stored sign-ins is missing. They are kept and open again when it returns.',
				),
				action: 'retryVault',
			};
		case 'key_unreadable':
			return {
				text: l10n.t('The place that keeps the key does not answer, so the stored sign-ins cannot be opened.'),
				action: 'retryVault',
			};
		case 'damaged':
			return {
				text: l10n.t('The stored sign-in for {0} is damaged. It is kept; sign in again to go on.', service),
				action: 'signIn',
			};
		case 'newer_schema':
			return {
				text: l10n.t('The stored sign-in for {0} was written by a newer version of Agent Auth.', service),
				action: 'updateExtension',
			};
		case 'conflict':
			return { text: l10n.t('Another window changed the same account. Try again.'), action: 'showLog' };
		case 'cancelled':
			return { text: l10n.t('Cancelled.') };
		case 'timeout':
			return {
				text: l10n.t('{0} took too long. The work goes on; try again in a moment.', service),
				action: 'showLog',
			};
		case 'configuration':
			if (detail.port !== undefined) {
				return {
					text: l10n.t(
						'Port {0}, to which {1} sends the browser back, is in use by another program. End that program, or change {2}.',
						String(detail.port),
						service,
						plain(detail.field ?? 'redirectPort'),
					),
					action: 'openSettings',
				};
			}
			return {
				text: withServerError(
					detail.field === undefined
						? l10n.t('The settings of {0} are wrong or incomplete.', service)
						: l10n.t('The settings of {0} are wrong or incomplete: see {1}.', service, plain(detail.field)),
					error,
				),
				action: 'openSettings',
			};
		case 'unknown_provider':
			return { text: l10n.t('This service is not in the settings.'), action: 'openSettings' };
		case 'identity':
			return {
				text: l10n.t('The account that came back from {0} is not the one expected. Nothing was changed.', service),
				action: 'signIn',
			};
		case 'denied':
			return {
				text:
					detail.serverError === 'invalid_scope'
						? l10n.t('{0} did not grant everything that was asked for.', service)
						: withServerError(l10n.t('The sign-in to {0} was declined.', service), error),
				action: 'signIn',
			};
		case 'protocol':
			return {
				text: withServerError(
					l10n.t('{0} gave an answer that cannot be accepted. Nothing was stored.', service),
					error,
				),
				action: 'showLog',
			};
		case 'refused':
			return { text: l10n.t('Access was not allowed.') };
		case 'exhausted':
			return {
				text: exhaustedText(detail, service, l10n),
				action: detail.buckets?.some(({ reason }) => reason === 'decision') ? 'decide' : 'showAccounts',
			};
		case 'binding':
			return {
				text: l10n.t(
					'This workspace is tied to the account "{0}" of {1}, which cannot be used now. No other one was taken.',
					detail.bucketName ?? '',
					service,
				),
				action: 'bind',
			};
		case 'disabled':
			return {
				text: l10n.t('The account "{0}" of {1} is switched off.', detail.bucketName ?? '', service),
				action: 'showAccounts',
			};
		case 'untrusted':
			return {
				text: l10n.t('Agent Auth gives no access in Restricted Mode. Trust this workspace to use it.'),
				action: 'manageTrust',
			};
		default:
			return code satisfies never;
	}
}

/** When one comes back, and which account waits for the person. */
function exhaustedText({ buckets = [], retryAtMs }: AuthErrorDetail, service: string, l10n: Localizer): string {
	const waiting = buckets.find(({ reason }) => reason === 'decision');
	if (waiting !== undefined)
		return l10n.t(
			'The account of {0} in use is exhausted. "{1}" could stand in, but is billed differently: that is for you to decide.',
			service,
			plain(waiting.name),
		);
	const [only, second] = buckets;
	// Alone because it is the only one, or because the workspace is tied to it.
	if (only !== undefined && second === undefined) {
		const name = plain(only.name);
		return retryAtMs === undefined
			? l10n.t('The account "{0}" of {1} is exhausted, and no other may stand in.', name, service)
			: l10n.t(
					'The account "{0}" of {1} is exhausted until {2}, and no other may stand in.',
					name,
					service,
					clockText(retryAtMs, Date.now(), l10n),
				);
	}
	if (retryAtMs === undefined) return l10n.t('Every account of {0} is exhausted.', service);
	return l10n.t(
		'Every account of {0} is exhausted. The first one is back at {1}.',
		service,
		clockText(retryAtMs, Date.now(), l10n),
	);
}

function transientText(retryAtMs: number | undefined, service: string, l10n: Localizer): string {
	return retryAtMs === undefined
		? l10n.t('{0} cannot be reached right now. Nothing was changed.', service)
		: l10n.t(
				'{0} cannot be reached right now. It is tried again at {1}.',
				service,
				clockText(retryAtMs, Date.now(), l10n),
			);
}

/** The server's own error code is what people search for and what its support asks about. */
function withServerError(text: string, { detail }: AuthError): string {
	const facts = [detail.serverError, detail.status === undefined ? undefined : `HTTP ${detail.status}`];
	const known = facts.filter((fact) => fact !== undefined);
	return known.length === 0 ? text : `${text} (${plain(known.join(', '))})`;
}
