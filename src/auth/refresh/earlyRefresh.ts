/**
 * Renews tokens shortly before they expire, so that nobody who asks has to wait. Each window picks its own moment within the
 * margin; the first one renews and the others see the new generation and plan anew. Times are looked at again at every
 * look at the vault, at least once a minute: a laptop that slept or a clock that was moved is noticed then.
 */
import type { Clock } from '../clock.ts';
import type { Disposable } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import type { BucketSnapshot, Snapshot } from '../snapshot.ts';
import { backOff } from './backOff.ts';

/** A token is renewed early when at most this much of its life is left, or a quarter of its life if that is shorter. */
export const EARLY_MARGIN_MS = 5 * 60_000;
const EARLY_SHARE = 0.25;
/** The share of the margin over which the windows spread. */
const JITTER_SHARE = 0.4;
/** Looks come at least this often, so timers need to be armed only for what is due before the next. */
const HORIZON_MS = 60_000;

export type EarlyRefreshOptions = {
	readonly clock: Clock;
	readonly log: Logger;
	readonly snapshot: () => Snapshot;
	/** When the access token in the snapshot was issued, for the length of its life. */
	readonly obtainedAtMs: (bucket: BucketSnapshot) => number | undefined;
	readonly renew: (bucket: BucketSnapshot) => Promise<void>;
	/** No renewal for accounts nobody asked for in this time; 0 turns early renewal off. */
	readonly idleMs: () => number;
	readonly random: () => number;
};

/** Call `plan` after each change and each look at the vault. */
export function createEarlyRefresh(options: EarlyRefreshOptions): Disposable & { plan(): void } {
	const { clock, log } = options;
	const timers = new Map<string, { readonly generation: number; readonly timer: Disposable }>();
	/** One position in the margin per credential, or every look would throw the dice anew. */
	const positions = new Map<string, { readonly generation: number; readonly position: number }>();
	const renewing = new Set<string>();

	function dueAtMs(bucket: BucketSnapshot): number | undefined {
		const obtainedAtMs = options.obtainedAtMs(bucket);
		const expiresAtMs = bucket.token?.expiresAtMs;
		if (expiresAtMs === undefined || obtainedAtMs === undefined) return undefined;
		const marginMs = Math.min(EARLY_MARGIN_MS, (expiresAtMs - obtainedAtMs) * EARLY_SHARE);
		if (marginMs <= 0) return undefined;
		let place = positions.get(bucket.id);
		if (place?.generation !== bucket.generation) {
			place = { generation: bucket.generation, position: options.random() };
			positions.set(bucket.id, place);
		}
		return expiresAtMs - marginMs * (1 - JITTER_SHARE * place.position);
	}

	function isWanted(bucket: BucketSnapshot): boolean {
		const { state, lastUsedAtMs = 0 } = bucket;
		const idleMs = options.idleMs();
		const nowMs = clock.now();
		if (idleMs <= 0 || !bucket.renewable) return false;
		const mayAsk = state.kind === 'failing' && !backOff.isPending(state.retryAtMs, nowMs, state.sinceMs);
		if (state.kind !== 'ready' && !mayAsk) return false;
		return nowMs - lastUsedAtMs < idleMs;
	}

	function renew(bucket: BucketSnapshot): void {
		if (renewing.has(bucket.id)) return;
		renewing.add(bucket.id);
		options
			.renew(bucket)
			.catch((error: unknown) => log.debug(`early refresh: ${describeError(error)}`))
			.finally(() => renewing.delete(bucket.id));
	}

	function plan(): void {
		const buckets = options.snapshot().providers.flatMap((provider) => provider.buckets);
		const present = new Map(buckets.map((bucket) => [bucket.id, bucket]));
		for (const [id, { generation, timer }] of timers) {
			if (present.get(id)?.generation === generation) continue;
			timer.dispose();
			timers.delete(id);
		}
		for (const bucket of buckets) {
			if (timers.has(bucket.id) || !isWanted(bucket)) continue;
			const atMs = dueAtMs(bucket);
			if (atMs === undefined) continue;
			const waitMs = atMs - clock.now();
			if (waitMs <= 0) renew(bucket);
			else if (waitMs <= HORIZON_MS) arm(bucket, waitMs);
		}
	}

	function arm(bucket: BucketSnapshot, waitMs: number): void {
		const timer = clock.schedule(waitMs, () => {
			timers.delete(bucket.id);
			plan();
		});
		timers.set(bucket.id, { generation: bucket.generation, timer });
	}

	return {
		plan,
		dispose() {
			for (const { timer } of timers.values()) timer.dispose();
		},
	};
}
