/** What is known of one account, line by line: whose it is, until when, and who used it. Pure; plain text, never markdown. */
import type { BucketSnapshot, ProviderSnapshot } from '../../auth/snapshot.ts';
import { clockText } from '../clockText.ts';
import { agoText, durationText } from '../durationText.ts';
import type { Localizer } from '../localizer.ts';
import { bucketTitle } from './bucketWords.ts';

export type TooltipMoment = {
	readonly nowMs: number;
	/** Of this window's extension host. */
	readonly pid: number;
};

/** @param words how the account stands, and who pays for it; blank ones are left out. */
export function bucketTooltip(
	bucket: BucketSnapshot,
	{ provider }: ProviderSnapshot,
	words: readonly string[],
	moment: TooltipMoment,
	l10n: Localizer,
): readonly string[] {
	const { identity } = bucket.account;
	const scopes = bucket.token?.scopes ?? [];
	const { cooldown, command } = bucket;
	const { nowMs } = moment;
	return [
		`${provider.label}: ${bucketTitle(bucket)}`,
		...words,
		identity.email === undefined || identity.email === bucket.account.label ? '' : identity.email,
		bucket.kind === 'oauth' ? l10n.t('Issuer: {0}', identity.issuer) : '',
		command === undefined ? '' : l10n.t('Command: {0}', command),
		scopes.length === 0 ? '' : l10n.t('Scopes: {0}', scopes.join(' ')),
		signInText(bucket, nowMs, l10n),
		tokenText(bucket, nowMs, l10n),
		renewedText(bucket, moment, l10n),
		bucket.lastUsedAtMs === undefined ? '' : l10n.t('Last used: {0}', agoText(bucket.lastUsedAtMs, nowMs, l10n)),
		cooldown === undefined
			? ''
			: l10n.t('Exhausted since {0} (rule {1})', clockText(cooldown.sinceMs, nowMs, l10n), cooldown.rule),
		bucket.sessionOnly ? l10n.t('Only until this window closes: nothing here keeps secrets.') : '',
		bucket.unsaved
			? l10n.t(
					'The disk does not take the new token: it is lost if this window closes before it does. Make room, or let it write.',
				)
			: '',
	].filter((line) => line !== '');
}

/** The sign-in, not its access token: what has to be done again by a person. */
function signInText({ signInEnd, renewable, state }: BucketSnapshot, nowMs: number, l10n: Localizer): string {
	if (state.kind !== 'ready' && state.kind !== 'failing') return '';
	if (signInEnd === undefined) return renewable ? l10n.t('Signed in until you sign out or the service ends it') : '';
	if (signInEnd.atMs <= nowMs) return l10n.t('Sign-in ended: {0}', clockText(signInEnd.atMs, nowMs, l10n));
	return l10n.t(
		'Signed in until {0} (in {1})',
		clockText(signInEnd.atMs, nowMs, l10n),
		durationText(signInEnd.atMs - nowMs, l10n),
	);
}

function tokenText({ token, renewable, state }: BucketSnapshot, nowMs: number, l10n: Localizer): string {
	if (!renewable || token?.expiresAtMs === undefined || state.kind !== 'ready') return '';
	const leftMs = token.expiresAtMs - nowMs;
	return leftMs > 0
		? l10n.t('Token renews by itself, at the latest in {0}', durationText(leftMs, l10n))
		: l10n.t('Token renews by itself at the next request');
}

function renewedText(bucket: BucketSnapshot, { nowMs, pid }: TooltipMoment, l10n: Localizer): string {
	const { lastRefreshAtMs, lastRefreshPid } = bucket;
	if (lastRefreshAtMs === undefined) return '';
	const ago = agoText(lastRefreshAtMs, nowMs, l10n);
	if (lastRefreshPid === undefined) return l10n.t('Last renewed: {0}', ago);
	return lastRefreshPid === pid
		? l10n.t('Last renewed: {0}, by this window', ago)
		: l10n.t('Last renewed: {0}, by another window (process {1})', ago, lastRefreshPid);
}
