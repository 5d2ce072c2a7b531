/** What happened in a chaos round, as the run saw it: the ground on which the checker judges. All times are of one clock. */
import type { RequestRecord } from '../server/oracle.ts';
import type { Listed, Order, Result } from './orders.ts';

/** One order to a window. Without an end its window was killed, or never answered. */
export type Deed = {
	readonly window: string;
	readonly order: Order;
	readonly fromMs: number;
	readonly end?: { readonly atMs: number; readonly result: Result };
};

export const MISHAP_KINDS = ['kill', 'stop', 'full', 'readOnly', 'server', 'copy', 'restore'] as const;

/** A mishap that the run caused. Nobody knows the end of one that is not over. */
export type Mishap = {
	readonly kind: (typeof MISHAP_KINDS)[number];
	readonly window?: string;
	readonly fromMs: number;
	readonly toMs: number;
};

export type History = {
	readonly deeds: readonly Deed[];
	readonly mishaps: readonly Mishap[];
	/** Windows that ended by themselves or did not answer in time. */
	readonly crashes: readonly string[];
	/** Everything that the token endpoint was sent. */
	readonly requests: readonly RequestRecord[];
	/** Ids of the grants that can still be refreshed. */
	readonly grantsAlive: readonly string[];
	readonly accessTokenLifeMs: number;
	/** What a new window sees when all is calm, and what it gets for each bucket; absent if it could not be asked. */
	readonly final?: {
		readonly buckets: readonly Listed[];
		readonly problem?: string;
		readonly tokens: ReadonlyMap<string, Result>;
	};
};
