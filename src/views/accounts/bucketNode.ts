/** One bucket in the accounts view: what it is called, how it stands, and what can be done with it. Pure. */
import type { BucketSnapshot, BucketState, ProviderSnapshot, SignInReason } from '../../auth/snapshot.ts';
import { clockText } from '../clockText.ts';
import type { Localizer } from '../localizer.ts';
import type { AccountsNode } from './accountsModel.ts';
import { type BucketStanding, standingOf } from './bucketStanding.ts';
import { bucketTooltip } from './bucketTooltip.ts';
import { billedText, bucketTitle, standingWords } from './bucketWords.ts';
import { contextValue } from './contextFacts.ts';

export function bucketNode(
	bucket: BucketSnapshot,
	snapshot: ProviderSnapshot,
	l10n: Localizer,
	nowMs: number,
): AccountsNode {
	const standing = standingOf(bucket, snapshot, nowMs);
	const { account, name } = bucket;
	const look = lookOf(bucket, standing, nowMs, l10n);
	const title = bucketTitle(bucket);
	const billed = billedText(bucket, l10n);
	const words = [look.text, ...standingWords(bucket, standing, nowMs, l10n)].filter((word) => word !== '');
	const named = name === account.label ? [] : [account.label];
	return {
		id: `${bucket.providerId}/${bucket.id}`,
		kind: 'bucket',
		providerId: bucket.providerId,
		bucketId: bucket.id,
		label: name,
		description: [...words, ...named, ...(billed === '' ? [] : [billed])].join(' · '),
		contextValue: contextValue('bucket', [
			bucket.kind,
			bucket.state.kind,
			standing.isInForce && 'inForce',
			bucket.renewable && 'renewable',
			bucket.disabled && 'disabled',
			!bucket.automatic && 'outOfAutomatic',
			standing.cooling !== undefined && 'cooling',
			standing.needsDecision && 'needsDecision',
			standing.crosses && 'crosses',
			standing.isBound && 'bound',
			standing.isFirst && 'first',
			standing.isLast && 'last',
		]),
		icon: look.icon,
		...(look.color === undefined ? {} : { iconColor: look.color }),
		tooltip: bucketTooltip(bucket, snapshot, [words.join(' · '), billed], { nowMs, pid: process.pid }, l10n),
		accessibilityLabel: [
			title,
			snapshot.provider.label,
			...(words.length > 0 ? words : [l10n.t('ready')]),
			...(billed === '' ? [] : [billed]),
		].join(', '),
		children: [],
	};
}

type Look = { readonly text: string; readonly icon: string; readonly color?: string };

const WARNING = 'list.warningForeground';
const ERROR = 'list.errorForeground';

/** What keeps a bucket from being used at all comes first: its icon says so. */
function lookOf({ state, disabled }: BucketSnapshot, standing: BucketStanding, nowMs: number, l10n: Localizer): Look {
	const look = stateLook(state, nowMs, l10n);
	if (disabled) return { text: look.text, icon: 'circle-slash' };
	if (state.kind !== 'ready') return look;
	if (standing.needsDecision) return { text: '', icon: 'question', color: WARNING };
	if (standing.cooling !== undefined) return { text: '', icon: 'clock', color: WARNING };
	return standing.isInForce ? { text: '', icon: 'pass-filled', color: 'charts.green' } : look;
}

function stateLook(state: BucketState, nowMs: number, l10n: Localizer): Look {
	switch (state.kind) {
		case 'ready':
			return { text: '', icon: 'account' };
		case 'failing':
			return {
				text: l10n.t('not renewed, next try {0}', clockText(state.retryAtMs, nowMs, l10n)),
				icon: 'sync-ignored',
				color: WARNING,
			};
		case 'needsSignIn':
			return { text: needsSignInText(state.reason, l10n), icon: 'warning', color: WARNING };
		case 'keyMissing':
			return { text: l10n.t('key missing'), icon: 'lock', color: WARNING };
		case 'keyUnreadable':
			return { text: l10n.t('locked: key store does not answer'), icon: 'lock', color: WARNING };
		case 'damaged':
			return { text: l10n.t('damaged, kept; sign in again'), icon: 'error', color: ERROR };
		case 'newerSchema':
			return { text: l10n.t('newer version of Agent Auth needed'), icon: 'versions', color: WARNING };
		case 'storageFailed':
			return { text: l10n.t('cannot be read'), icon: 'error', color: ERROR };
		case 'signedOut':
			return { text: l10n.t('signed out'), icon: 'circle-slash' };
		default:
			return state satisfies never;
	}
}

/** What to do comes first, because a narrow view cuts off the rest. */
function needsSignInText(reason: SignInReason, l10n: Localizer): string {
	switch (reason) {
		case 'invalid_grant':
			return l10n.t('sign in again: session ended');
		case 'unknown_outcome':
			return l10n.t('sign in again: session lost');
		case 'unavailable':
			return l10n.t('sign in again: expired');
		case 'service_changed':
			return l10n.t('sign in again: service changed');
		default:
			return reason satisfies never;
	}
}
