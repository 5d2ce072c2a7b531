/** What the doctor found in words: one sentence and one thing to do per finding. Pure. */

import type { Finding } from '../../auth/doctor/finding.ts';
import type { Localizer } from '../localizer.ts';
import { accountText } from './accountText.ts';
import type { FindingText } from './doctorAction.ts';
import { machineText } from './machineText.ts';
import { clockSkewText, serviceText } from './serviceText.ts';

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
			return machineText(check, finding.fact, l10n);
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
