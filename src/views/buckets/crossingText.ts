/**
 * The question whether an account that is billed differently may stand in for an exhausted one, and its answers. Pure. Until
 * the person has answered nothing is used instead: a surprise on a bill is worse than a wait.
 */
import type { CrossingScope } from '../../auth/service.ts';
import type { BucketSnapshot, ProviderSnapshot, Snapshot } from '../../auth/snapshot.ts';
import { coolingOf, homeOf, standingOf } from '../accounts/bucketStanding.ts';
import { billedText } from '../accounts/bucketWords.ts';
import { clockText } from '../clockText.ts';
import { type Localizer, plain } from '../localizer.ts';

/** `from` is the first bucket of Automatic, `to` the one that could stand in for it. */
export type CrossingPair = {
	readonly provider: ProviderSnapshot;
	readonly from: BucketSnapshot;
	readonly to: BucketSnapshot;
};

export type CrossingChoice = {
	readonly title: string;
	readonly allowed: boolean;
	readonly scope: CrossingScope;
};

/** The decision that a provider waits for now. */
export function pendingCrossing(provider: ProviderSnapshot): CrossingPair | undefined {
	const { automatic, buckets } = provider;
	if (automatic.kind !== 'decision') return undefined;
	const from = buckets.find(({ id }) => id === automatic.fromBucketId);
	const to = buckets.find(({ id }) => id === automatic.toBucketId);
	return from && to && { provider, from, to };
}

/** Every pair that a decision can be made about, those that wait for one first. */
export function crossingPairs(snapshot: Snapshot, nowMs: number): readonly CrossingPair[] {
	const pending = snapshot.providers.flatMap((provider) => pendingCrossing(provider) ?? []);
	const others = snapshot.providers.flatMap((provider) => {
		const from = homeOf(provider);
		if (from === undefined) return [];
		return provider.buckets.flatMap((to) => (standingOf(to, provider, nowMs).crosses ? [{ provider, from, to }] : []));
	});
	return [...pending, ...others.filter(({ to }) => pending.every((pair) => pair.to.id !== to.id))];
}

/** Names one exhaustion of one account, so that all windows ask about it once. */
export function crossingKey({ from, to }: CrossingPair): string {
	return `crossing to ${to.id} since ${from.cooldown?.sinceMs ?? 0}`;
}

export function crossingText({ from, to }: CrossingPair, nowMs: number, l10n: Localizer): string {
	const name = plain(from.name);
	const billed = billedText(to, l10n);
	const other = plain(to.name);
	const standIn = billed === '' ? l10n.t('{0} (billing not known)', other) : `${other} (${billed})`;
	const cooling = coolingOf(from, nowMs);
	if (cooling === undefined) return l10n.t('Use {1} when {0} cannot be used?', name, standIn);
	if (cooling.untilMs === undefined) return l10n.t('{0} is exhausted. Use {1} meanwhile?', name, standIn);
	const until = clockText(cooling.untilMs, nowMs, l10n);
	return l10n.t('{0} is exhausted until {1}. Use {2} meanwhile?', name, until, standIn);
}

/** What can be answered, in the order of the buttons. */
export function crossingChoices(
	{ from }: CrossingPair,
	options: { readonly hasWorkspace: boolean; readonly nowMs: number },
	l10n: Localizer,
): readonly CrossingChoice[] {
	const cooling = coolingOf(from, options.nowMs);
	// Where nobody can say when it is back, a yes for now lasts a day.
	const meanwhile = cooling?.untilMs === undefined ? l10n.t('For One Day') : l10n.t('Until It Is Back');
	return [
		{ title: meanwhile, allowed: true, scope: 'untilReset' },
		...(options.hasWorkspace
			? [{ title: l10n.t('In This Workspace'), allowed: true, scope: 'workspace' as const }]
			: []),
		{ title: l10n.t('Always'), allowed: true, scope: 'always' },
		{ title: l10n.t('No'), allowed: false, scope: 'untilReset' },
	];
}

/** A yes "until it is back" that is clicked after it came back would hold for another time than the one it was about. */
export function isOutdated(
	choice: CrossingChoice,
	pair: CrossingPair,
	provider: ProviderSnapshot | undefined,
): boolean {
	if (choice.scope !== 'untilReset') return false;
	const now = provider?.buckets.find(({ id }) => id === pair.from.id);
	return now?.cooldown?.sinceMs !== pair.from.cooldown?.sinceMs;
}
