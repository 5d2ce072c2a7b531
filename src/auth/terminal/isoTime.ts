/** A time as text for programs and people. */

/** The last moment that a `Date` can hold, in ms (ECMA-262, Time Values). */
const MAX_DATE_MS = 8.64e15;

/** Undefined for none, and for one that no calendar has: it comes over the wire. */
export function isoTime(atMs: number | undefined): string | undefined {
	return atMs === undefined || Math.abs(atMs) > MAX_DATE_MS ? undefined : new Date(atMs).toISOString();
}
