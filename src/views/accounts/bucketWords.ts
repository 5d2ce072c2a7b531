/** A bucket in words: what it is called, who pays for it and how, and how it stands. Pure. */
import type { BillingClass, BucketOwner } from '../../auth/buckets/billing.ts';
import type { BucketSnapshot, Cooldown, CooldownReason } from '../../auth/snapshot.ts';
import { clockText } from '../clockText.ts';
import type { Localizer } from '../localizer.ts';
import type { BucketStanding } from './bucketStanding.ts';

/** The account, with the bucket's own name where the person gave it one. */
export function bucketTitle({ name, account }: Pick<BucketSnapshot, 'name' | 'account'>): string {
	return name === account.label ? name : `${name} (${account.label})`;
}

export function ownerText(owner: BucketOwner, l10n: Localizer): string {
	switch (owner) {
		case 'work':
			return l10n.t('work');
		case 'personal':
			return l10n.t('personal');
		default:
			return owner satisfies never;
	}
}

export function billingText(billing: BillingClass, l10n: Localizer): string {
	switch (billing) {
		case 'subscription':
			return l10n.t('subscription');
		case 'metered':
			return l10n.t('metered');
		case 'organisation':
			return l10n.t('organisation');
		default:
			return billing satisfies never;
	}
}

/** "personal, metered"; '' if nothing was said. */
export function billedText({ owner, billing }: Pick<BucketSnapshot, 'owner' | 'billing'>, l10n: Localizer): string {
	return [
		...(owner === undefined ? [] : [ownerText(owner, l10n)]),
		...(billing === undefined ? [] : [billingText(billing, l10n)]),
	].join(', ');
}

/** How a bucket stands, apart from whether it works; the most important word first. */
export function standingWords(
	bucket: Pick<BucketSnapshot, 'disabled' | 'automatic' | 'sessionOnly' | 'unsaved'>,
	standing: BucketStanding,
	nowMs: number,
	l10n: Localizer,
): readonly string[] {
	return [
		bucket.unsaved ? l10n.t('in memory only') : '',
		bucket.disabled ? l10n.t('switched off') : '',
		standing.cooling === undefined ? '' : coolingText(standing.cooling, nowMs, l10n),
		standing.needsDecision ? l10n.t('decision needed') : '',
		standing.isDeclined ? l10n.t('not used instead: you said no') : '',
		bucket.automatic ? '' : l10n.t('not in Automatic'),
		standing.isBound ? l10n.t('tied to this workspace') : '',
		bucket.sessionOnly ? l10n.t('this window only') : '',
		// The icon says as well which one is in use, so that may be cut off in a narrow view.
		standing.isInForce ? l10n.t('in use') : '',
	].filter((word) => word !== '');
}

/** Until when, and why; the time first, because a narrow view cuts off the rest. Without an end it takes the person, or a payment. */
export function coolingText({ untilMs, reason }: Cooldown, nowMs: number, l10n: Localizer): string {
	const why = reasonText(reason, l10n);
	return untilMs === undefined
		? l10n.t('parked: {0}', why)
		: l10n.t('back {0}: {1}', clockText(untilMs, nowMs, l10n), why);
}

function reasonText(reason: CooldownReason, l10n: Localizer): string {
	switch (reason) {
		case 'quota':
			return l10n.t('quota used up');
		case 'rate_limit':
			return l10n.t('too many requests');
		case 'credit':
			return l10n.t('credit used up');
		case 'entitlement':
			return l10n.t('not part of its plan');
		case 'refused':
			return l10n.t('refused by the service');
		default:
			return reason satisfies never;
	}
}
