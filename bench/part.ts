/** What every part of the bench gets and gives. */
import type { Peers } from './peers.ts';
import type { PartResult } from './results.ts';

export type PartOptions = {
	readonly peers: Peers;
	/** Few rounds: shows that everything works, and no more. */
	readonly quick: boolean;
};

export type Part = (options: PartOptions) => Promise<PartResult>;

/** A number for a table cell; a dash where there is none. */
export function cell(value: number, digits = 0): string {
	return Number.isFinite(value) ? value.toFixed(digits) : '–';
}

/** `1.07 ×`; a dash where one of the two is missing. */
export function ratio(value: number, base: number): string {
	return Number.isFinite(value) && Number.isFinite(base) && base > 0 ? `${(value / base).toFixed(2)} ×` : '–';
}
