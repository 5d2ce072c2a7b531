/** What the doctor found of an account, in words: whether its token is good, and why there is none. Pure. */

import type { Finding } from '../../auth/doctor/finding.ts';
import type { AuthErrorCode } from '../../auth/errors.ts';
import type { Localizer } from '../localizer.ts';
import type { FindingText } from './doctorAction.ts';

export function accountText(
	{ fact, status, code }: Finding,
	service: string,
	account: string,
	l10n: Localizer,
): FindingText {
	switch (fact) {
		case 'healthy':
			return { text: l10n.t('{0} accepts the token of {1}.', service, account) };
		case 'notAsked':
		case 'nothing':
			return { text: l10n.t('{0} has nothing to ask whether the token of {1} is good.', service, account) };
		case 'needsSignIn':
			return { text: l10n.t('{1} needs a new sign-in at {0}.', service, account), action: 'signIn' };
		case 'tokenRefused':
			return {
				text: l10n.t('{0} refuses the token of {1}, although it has not ended.', service, account),
				action: 'renew',
			};
		case 'serverError':
			return {
				text: l10n.t('{0} answers with the error {2} when asked about {1}.', service, account, status ?? 0),
				action: 'retry',
			};
		case 'unknown':
			return renewalText(code, service, account, l10n);
		case 'wrongAnswer':
			return {
				text: l10n.t('{0} answers in a way that does not fit its settings when asked about {1}.', service, account),
				action: 'openSettings',
			};
		default:
			return {
				text: l10n.t('{0} could not be asked about {1}. Check the network.', service, account),
				action: 'retry',
			};
	}
}

/** The service answers, and there is no token to ask it about. */
function renewalText(code: AuthErrorCode | undefined, service: string, account: string, l10n: Localizer): FindingText {
	switch (code) {
		case 'transient':
			return {
				text: l10n.t('{0} does not renew the token of {1} right now. It is tried again by itself.', service, account),
				action: 'retry',
			};
		case 'timeout':
			return { text: l10n.t('{0} took too long to renew the token of {1}.', service, account), action: 'retry' };
		case 'locked':
		case 'conflict':
			return {
				text: l10n.t('Another window is renewing the token of {1} at {0} and has not finished.', service, account),
				action: 'showCoordination',
			};
		case 'key_missing':
		case 'key_unreadable':
			return {
				text: l10n.t('The sign-in of {1} at {0} cannot be opened without its key.', service, account),
				action: 'retryVault',
			};
		case 'storage':
			return {
				text: l10n.t('The sign-in of {1} at {0} cannot be read or written. Check the disk.', service, account),
				action: 'showLog',
			};
		case 'damaged':
			return {
				text: l10n.t('The stored sign-in of {1} at {0} is damaged. It is kept; sign in again.', service, account),
				action: 'signIn',
			};
		case 'newer_schema':
			return {
				text: l10n.t('The sign-in of {1} at {0} was written by a newer version of Agent Auth.', service, account),
				action: 'updateExtension',
			};
		case 'configuration':
			return {
				text: l10n.t('With its settings {0} does not renew the token of {1}.', service, account),
				action: 'openSettings',
			};
		case 'protocol':
		case 'denied':
			return { text: l10n.t('{0} refuses to renew the token of {1}.', service, account), action: 'showLog' };
		default:
			return { text: l10n.t('The token of {1} at {0} could not be renewed.', service, account), action: 'showLog' };
	}
}
