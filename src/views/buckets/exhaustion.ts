/** When every account of a provider is exhausted: what is new about it, and how it is said. Pure. */
import type { ProviderSnapshot, Snapshot } from '../../auth/snapshot.ts';
import { clockText } from '../clockText.ts';
import { type Localizer, plain } from '../localizer.ts';

export type Exhaustion = {
	readonly provider: ProviderSnapshot;
	/** The bucket on which windows agree who speaks. */
	readonly bucketId: string;
	/** The earliest time at which one comes back; absent if that takes the person. */
	readonly untilMs?: number;
	/** The same for one reset time, also when services name it a second earlier or later. */
	readonly key: string;
};

const MINUTE_MS = 60_000;

/**
 * The providers that are exhausted in `after` and were not in `before`. What was so already when the window began is no
 * news: the window in which it happened has said it. Neither is it when the person has just declined to use what is left.
 */
export function newExhaustions(before: Snapshot, after: Snapshot): readonly Exhaustion[] {
	if (!before.loaded || !after.loaded) return [];
	const earlier = new Map(before.providers.map(({ provider, automatic }) => [provider.id, automatic]));
	return after.providers.flatMap((provider) => {
		const { automatic } = provider;
		const was = earlier.get(provider.provider.id);
		if (automatic.kind !== 'exhausted' || was?.kind === 'exhausted') return [];
		const wasDeclined =
			was?.kind === 'decision' &&
			automatic.buckets.some(({ bucketId, reason }) => bucketId === was.toBucketId && reason === 'decision');
		if (wasDeclined) return [];
		const [first] = automatic.buckets;
		if (first === undefined) return [];
		const { untilMs } = automatic;
		return [
			{
				provider,
				bucketId: first.bucketId,
				...(untilMs === undefined ? {} : { untilMs }),
				key: `exhausted until ${untilMs === undefined ? 'mended' : Math.round(untilMs / MINUTE_MS)}`,
			},
		];
	});
}

export function exhaustionText({ provider, untilMs }: Exhaustion, nowMs: number, l10n: Localizer): string {
	const service = plain(provider.provider.label);
	const { automatic } = provider;
	const cooling = automatic.kind === 'exhausted' ? automatic.buckets.filter(({ reason }) => reason === 'cooling') : [];
	const [only] = cooling.length === 1 ? cooling : [];
	if (only !== undefined) {
		const name = plain(only.name);
		return untilMs === undefined
			? l10n.t('The account "{0}" of {1} is exhausted, and no other can stand in.', name, service)
			: l10n.t(
					'The account "{0}" of {1} is exhausted until {2}, and no other can stand in.',
					name,
					service,
					clockText(untilMs, nowMs, l10n),
				);
	}
	return untilMs === undefined
		? l10n.t('Every account of {0} is exhausted.', service)
		: l10n.t(
				'Every account of {0} is exhausted. The first one is back at {1}.',
				service,
				clockText(untilMs, nowMs, l10n),
			);
}

/** With one account another one helps; with several the person looks which to mend, or to try again. */
export function exhaustionAction({ provider }: Exhaustion): 'addAccount' | 'showAccounts' {
	return provider.buckets.length === 1 ? 'addAccount' : 'showAccounts';
}
