/** Why those who name no account get none of a provider's now. Pure. */
import type { ProviderSnapshot } from '../../auth/snapshot.ts';
import { clockText } from '../clockText.ts';
import type { Localizer } from '../localizer.ts';

/** Undefined while an account answers, and where there is no account at all. */
export function automaticText(provider: ProviderSnapshot, nowMs: number, l10n: Localizer): string | undefined {
	const { automatic, buckets } = provider;
	switch (automatic.kind) {
		case 'inForce':
			return undefined;
		case 'none':
			return buckets.length === 0 ? undefined : l10n.t('no account is in Automatic');
		case 'needsSignIn':
			return l10n.t('no account can be used');
		case 'exhausted': {
			const [only, second] = automatic.buckets;
			// Others may be there that this workspace, or Automatic, does not use.
			if (only !== undefined && second === undefined)
				return automatic.untilMs === undefined
					? l10n.t('"{0}" is exhausted', only.name)
					: l10n.t('"{0}" is exhausted until {1}', only.name, clockText(automatic.untilMs, nowMs));
			return automatic.untilMs === undefined
				? l10n.t('all accounts are exhausted')
				: l10n.t('all accounts are exhausted until {0}', clockText(automatic.untilMs, nowMs));
		}
		case 'decision':
			return l10n.t('waits for your decision');
		case 'boundMissing':
			return l10n.t('this workspace is tied to "{0}", which is not here', automatic.bucketName);
		case 'boundUnusable':
			return l10n.t('this workspace is tied to "{0}", which cannot be used', automatic.bucketName);
		case 'bindingConflict':
			return l10n.t('the folders of this window are tied to different accounts');
		default:
			return automatic satisfies never;
	}
}
