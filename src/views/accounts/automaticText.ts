/** Why those who name no account get none of a provider's now; the important word first, because a narrow view cuts off the rest. Pure. */
import type { BucketSnapshot, ProviderSnapshot } from '../../auth/snapshot.ts';
import { clockText } from '../clockText.ts';
import type { Localizer } from '../localizer.ts';

/** What the person decided of the accounts themselves; nothing is wrong with them. */
function noneText(buckets: readonly BucketSnapshot[], l10n: Localizer): string | undefined {
	if (buckets.length === 0) return undefined;
	const isOff = buckets.filter(({ disabled }) => disabled).length;
	if (isOff === buckets.length) return isOff === 1 ? l10n.t('switched off') : l10n.t('all switched off');
	return buckets.some(({ automatic }) => automatic)
		? l10n.t('switched off: all of Automatic')
		: l10n.t('none in Automatic');
}

/** Undefined while an account answers, and where there is no account at all. */
export function automaticText(provider: ProviderSnapshot, nowMs: number, l10n: Localizer): string | undefined {
	const { automatic, buckets } = provider;
	switch (automatic.kind) {
		case 'inForce':
			return undefined;
		case 'none':
			return noneText(buckets, l10n);
		case 'needsSignIn':
			return l10n.t('no usable account');
		case 'exhausted': {
			const [only, second] = automatic.buckets;
			// Others may be there that this workspace, or Automatic, does not use.
			if (only !== undefined && second === undefined)
				return automatic.untilMs === undefined
					? l10n.t('exhausted: "{0}"', only.name)
					: l10n.t('back {1}: "{0}" is exhausted', only.name, clockText(automatic.untilMs, nowMs, l10n));
			return automatic.untilMs === undefined
				? l10n.t('all exhausted')
				: l10n.t('back {0}: all exhausted', clockText(automatic.untilMs, nowMs, l10n));
		}
		case 'decision':
			return l10n.t('decision needed');
		case 'boundMissing':
			return l10n.t('missing: "{0}", to which this workspace is tied', automatic.bucketName);
		case 'boundUnusable':
			return l10n.t('unusable: "{0}", to which this workspace is tied', automatic.bucketName);
		case 'bindingConflict':
			return l10n.t('conflict: the folders of this window are tied to different accounts');
		default:
			return automatic satisfies never;
	}
}
