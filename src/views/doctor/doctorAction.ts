/** What a person can do about a finding, and the words of its button. */

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
