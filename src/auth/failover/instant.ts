/**
 * Times as services write them: durations (`6m0s`, `1 hour and 5 minutes`, `20ms`), instants (RFC 3339, the dates of
 * RFC 9110, epoch in s or ms), and numbers that may be either. Every result is finite.
 */

export type Moment =
	/** From the moment of the answer. */
	| { readonly kind: 'after'; readonly ms: number }
	/** By the clock of the service. */
	| { readonly kind: 'at'; readonly ms: number };

/** Smaller numbers are seconds to wait: 31 years, and the year 2001 as an epoch. */
const FIRST_EPOCH_S = 1e9;
/** As seconds the year 5138, as milliseconds 1973. */
const FIRST_EPOCH_MS = 1e11;

const NUMBER = /^\d{1,30}(?:\.\d{1,30})?$/;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:z|[+-]\d{2}:\d{2})$/i;

/** RFC 9110 section 5.6.7: the form that is sent today, and the two that must still be read. */
const IMF_FIXDATE = /^[a-z]{3}, \d{2} [a-z]{3} \d{4} \d{2}:\d{2}:\d{2} gmt$/i;
const RFC_850_DATE = /^[a-z]{6,9}, \d{2}-[a-z]{3}-\d{2} \d{2}:\d{2}:\d{2} gmt$/i;
const ASCTIME_DATE = /^[a-z]{3} [a-z]{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/i;

const UNITS: readonly (readonly [string, number])[] = [
	['ms', 1],
	['milli', 1],
	['s', 1_000],
	['m', 60_000],
	['h', 60 * 60_000],
	['d', 24 * 60 * 60_000],
	['w', 7 * 24 * 60 * 60_000],
];

/** One number and its unit, and what may stand before the next. Sticky: the parts must follow each other. */
const DURATION_PART =
	/ ?(?:,|and)? ?(\d{1,15}(?:\.\d{1,9})?) ?(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)(?![a-z])/iy;

/** Whichever form it has; undefined if none. A bare number is seconds, or an epoch if it is large enough. */
export function parseMoment(text: string): Moment | undefined {
	const value = text.trim();
	if (NUMBER.test(value)) return momentOfNumber(Number(value));
	const atMs = parseInstant(value);
	if (atMs !== undefined) return { kind: 'at', ms: atMs };
	const duration = leadingDuration(value);
	return duration && duration.length === value.length ? { kind: 'after', ms: duration.ms } : undefined;
}

function momentOfNumber(value: number): Moment {
	if (value >= FIRST_EPOCH_MS) return { kind: 'at', ms: value };
	return value >= FIRST_EPOCH_S ? { kind: 'at', ms: value * 1_000 } : { kind: 'after', ms: value * 1_000 };
}

/** Ms since the epoch of an RFC 3339 time or an HTTP date; undefined if it is neither or no day of any calendar. */
export function parseInstant(text: string): number | undefined {
	const written = normalDate(text);
	const atMs = written === undefined ? Number.NaN : Date.parse(written);
	return Number.isNaN(atMs) ? undefined : atMs;
}

/** As `Date.parse` reads it, which on its own takes nearly anything. */
function normalDate(text: string): string | undefined {
	if (RFC_3339.test(text)) return text.toUpperCase().replace(' ', 'T');
	if (IMF_FIXDATE.test(text) || RFC_850_DATE.test(text)) return text;
	return ASCTIME_DATE.test(text) ? `${text} GMT` : undefined;
}

/** The duration at the beginning of a text, and how much of the text it is; undefined if there is none. */
export function leadingDuration(text: string): { readonly ms: number; readonly length: number } | undefined {
	let ms = 0;
	let length = 0;
	DURATION_PART.lastIndex = 0;
	for (let part = DURATION_PART.exec(text); part !== null; part = DURATION_PART.exec(text)) {
		const [, amount = '', unit = ''] = part;
		ms += Number(amount) * unitMs(unit.toLowerCase());
		length = DURATION_PART.lastIndex;
	}
	return length === 0 ? undefined : { ms, length };
}

/** The shortest of those that begin so: milliseconds begin as minutes do. Each unit of {@link DURATION_PART} is one. */
function unitMs(unit: string): number {
	return Math.min(...UNITS.flatMap(([start, ms]) => (unit.startsWith(start) ? [ms] : [])));
}
