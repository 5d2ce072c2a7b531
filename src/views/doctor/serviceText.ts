/** What the doctor found at a service, in words: whether it answers, and what time it is there. Pure. */

import type { Finding } from '../../auth/doctor/finding.ts';
import { durationText } from '../durationText.ts';
import type { Localizer } from '../localizer.ts';
import type { FindingText } from './doctorAction.ts';

export function serviceText({ fact, status, tookMs }: Finding, service: string, l10n: Localizer): FindingText {
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

export function clockSkewText({ fact, skewMs = 0 }: Finding, service: string, l10n: Localizer): FindingText {
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
