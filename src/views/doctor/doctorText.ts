/** What the doctor found in words: one sentence and one thing to do per finding. Pure. */

import type { Check, Fact, Finding } from '../../auth/doctor/finding.ts';
import type { AuthErrorCode } from '../../auth/errors.ts';
import { durationText } from '../durationText.ts';
import type { Localizer } from '../localizer.ts';

export type DoctorAction =
	| 'signIn'
	| 'retryVault'
	| 'openSettings'
	| 'openProxySettings'
	| 'showLog'
	| 'showCoordination'
	| 'updateExtension'
	| 'reload'
	| 'renew'
	| 'retry';

export type FindingText = {
	readonly text: string;
	/** Absent where nothing is to be done. */
	readonly action?: DoctorAction;
};

export type Names = {
	/** The service as people know it. */
	readonly service: (providerId: string) => string;
	readonly account: (providerId: string, bucketId: string) => string;
};

export function findingText(finding: Finding, names: Names, l10n: Localizer): FindingText {
	const { check, providerId, bucketId } = finding;
	const service = providerId === undefined ? l10n.t('the service') : names.service(providerId);
	switch (check) {
		case 'vault':
		case 'key':
		case 'lease':
		case 'watch':
		case 'terminal':
			return hereText(check, finding.fact, l10n);
		case 'service':
			return serviceText(finding, service, l10n);
		case 'clock':
			return clockSkewText(finding, service, l10n);
		case 'account':
			return accountText(
				finding,
				service,
				providerId === undefined || bucketId === undefined
					? l10n.t('the account')
					: names.account(providerId, bucketId),
				l10n,
			);
		default:
			return check satisfies never;
	}
}

/** What is on this machine. */
function hereText(check: Exclude<Check, 'service' | 'clock' | 'account'>, fact: Fact, l10n: Localizer): FindingText {
	switch (`${check}.${fact}` as const) {
		case 'vault.healthy':
			return { text: l10n.t('The folder with the sign-ins can be read and written.') };
		case 'vault.unwritable':
			return {
				text: l10n.t(
					'The folder with the sign-ins cannot be written. Check that the disk is not full and the folder is yours.',
				),
				action: 'showLog',
			};
		case 'vault.damaged':
			return {
				text: l10n.t('The list of accounts is damaged. The file is kept; signing in begins a new list.'),
				action: 'signIn',
			};
		case 'vault.newerVersion':
			return {
				text: l10n.t(
					'The sign-ins were written by a newer version of Agent Auth. Update the extension in this VS Code.',
				),
				action: 'updateExtension',
			};
		case 'key.healthy':
			return { text: l10n.t('The key that opens the sign-ins is there.') };
		case 'key.nothing':
			return { text: l10n.t('There is no key yet: it is made at the first sign-in.') };
		case 'key.keyMissing':
			return {
				text: l10n.t('The key that opens the sign-ins is missing. They are kept and open again when it returns.'),
				action: 'retryVault',
			};
		case 'key.keySilent':
			return {
				text: l10n.t('The place that keeps the key does not answer. Unlock your keyring, then look again.'),
				action: 'retryVault',
			};
		case 'key.damaged':
			return {
				text: l10n.t('The note that says which key it is, is damaged. Sign in and start over.'),
				action: 'signIn',
			};
		case 'key.newerVersion':
			return {
				text: l10n.t('The key was made by a newer version of Agent Auth. Update the extension in this VS Code.'),
				action: 'updateExtension',
			};
		case 'lease.healthy':
			return { text: l10n.t('Windows can agree on which of them renews a token.') };
		case 'lease.leaseBusy':
			return {
				text: l10n.t('Another window holds a lease for unusually long. The coordination status names its process.'),
				action: 'showCoordination',
			};
		case 'watch.healthy':
			return { text: l10n.t('Changes of other windows are seen at once.') };
		case 'watch.nothing':
			return { text: l10n.t('Changes of other windows are not watched yet: nothing is stored.') };
		case 'watch.watchDeaf':
			return {
				text: l10n.t(
					'The file system does not tell of changes, so windows look for themselves. This is slower, not wrong.',
				),
			};
		case 'terminal.healthy':
			return { text: l10n.t('Terminals can ask this window for tokens.') };
		case 'terminal.nothing':
			return { text: l10n.t('The command agent-auth is switched off for terminals.'), action: 'openSettings' };
		case 'terminal.socketSilent':
			return {
				text: l10n.t('Terminals get no answer from this window. Reloading it starts its socket anew.'),
				action: 'reload',
			};
		default:
			return hereFailed(check, l10n);
	}
}

function hereFailed(check: Exclude<Check, 'service' | 'clock' | 'account'>, l10n: Localizer): FindingText {
	const action: DoctorAction = 'showLog';
	switch (check) {
		case 'vault':
			return { text: l10n.t('The sign-ins cannot be read. Nobody was signed out.'), action: 'retryVault' };
		case 'key':
			return { text: l10n.t('The key cannot be looked for in its folder.'), action };
		case 'lease':
			return {
				text: l10n.t('Leases cannot be taken, so no token can be renewed. Check the rights of the folder.'),
				action,
			};
		case 'watch':
			return { text: l10n.t('Changes of other windows cannot be watched.'), action };
		case 'terminal':
			return { text: l10n.t('Terminals could not be examined.'), action };
		default:
			return check satisfies never;
	}
}

function serviceText({ fact, status, tookMs }: Finding, service: string, l10n: Localizer): FindingText {
	switch (fact) {
		case 'healthy':
			return {
				text:
					tookMs === undefined ? l10n.t('{0} answers.', service) : l10n.t('{0} answers, in {1} ms.', service, tookMs),
			};
		case 'nothing':
			return { text: l10n.t('{0} has no sign-in, so there is nothing to ask.', service) };
		case 'noName':
			return {
				text: l10n.t('The host of {0} cannot be found. Check its address, the network and a VPN.', service),
				action: 'openSettings',
			};
		case 'certificate':
			return {
				text: l10n.t(
					'The certificate of {0} is not trusted here. If a proxy of your organisation is in between, its certificate must be installed on this system.',
					service,
				),
				action: 'openProxySettings',
			};
		case 'proxy':
			return {
				text: l10n.t('The proxy does not let requests through to {0}.', service),
				action: 'openProxySettings',
			};
		case 'proxyGone':
			return {
				text: l10n.t('The proxy on the way to {0} cannot be reached. Check its address and the network.', service),
				action: 'openProxySettings',
			};
		case 'timeout':
			return { text: l10n.t('{0} does not answer in time.', service), action: 'retry' };
		case 'serverError':
			return {
				text:
					status === undefined
						? l10n.t('{0} answers with an error. It is not up to you.', service)
						: l10n.t('{0} answers with the error {1}. It is not up to you.', service, status),
				action: 'retry',
			};
		case 'wrongAnswer':
			return {
				text: l10n.t('What answers for {0} is not what the settings say. Check issuer and endpoints.', service),
				action: 'openSettings',
			};
		default:
			return { text: l10n.t('{0} cannot be reached. Check the network.', service), action: 'retry' };
	}
}

function clockSkewText({ fact, skewMs = 0 }: Finding, service: string, l10n: Localizer): FindingText {
	if (fact !== 'clockSkew') return { text: l10n.t('The clock here and that of {0} agree.', service) };
	const by = durationText(Math.abs(skewMs), l10n);
	return {
		text:
			skewMs > 0
				? l10n.t('The clock of this machine is {0} ahead of that of {1}. Set it right: sign-ins can fail.', by, service)
				: l10n.t('The clock of this machine is {0} behind that of {1}. Set it right: sign-ins can fail.', by, service),
		action: 'retry',
	};
}

function accountText({ fact, status, code }: Finding, service: string, account: string, l10n: Localizer): FindingText {
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

/** Of all findings together. Only what was asked counts as healthy. */
export function summaryText(findings: readonly Finding[], l10n: Localizer): string {
	const problems = findings.filter(({ verdict }) => verdict !== 'healthy').length;
	if (problems === 1) return l10n.t('1 problem was found');
	if (problems > 1) return l10n.t('{0} problems were found', problems);
	const asked = findings.filter(({ check, fact }) => check === 'account' && fact === 'healthy').length;
	if (asked === 0) return l10n.t('No problem was found; no service was asked about a token');
	return asked === 1
		? l10n.t('All is well: 1 service was asked and accepts its token')
		: l10n.t('All is well: {0} services were asked and accept their tokens', asked);
}

export function actionText(action: DoctorAction, l10n: Localizer): string {
	switch (action) {
		case 'signIn':
			return l10n.t('Sign In');
		case 'retryVault':
			return l10n.t('Look for the Key Again');
		case 'openSettings':
			return l10n.t('Open Settings');
		case 'openProxySettings':
			return l10n.t('Open Proxy Settings');
		case 'showLog':
			return l10n.t('Show Log');
		case 'showCoordination':
			return l10n.t('Show Coordination Status');
		case 'updateExtension':
			return l10n.t('Show Extension');
		case 'reload':
			return l10n.t('Reload Window');
		case 'renew':
			return l10n.t('Renew Token');
		case 'retry':
			return l10n.t('Examine Again');
		default:
			return action satisfies never;
	}
}
