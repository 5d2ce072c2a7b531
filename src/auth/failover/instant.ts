/**
 * Times as services write them: durations (`6m0s`, `1 hour and 5 minutes`, `20ms`), instants (RFC 3339, the dates of
 * RFC 9110, epoch in s or ms), and numbers that may be either. Every result is finite.
 */
import { leadingDuration } from './durationWords.ts';

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
/** Seconds may be left out, and the zone may be named; without one it is nobody's time. */
const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)? ?(z|utc|gmt|[+-]\d{2}:\d{2})$/i;
/** A day begins at 0:00 UTC, for who bills by days. */
const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** `December 1, 2026` and `Dec 1 2026`. */
const DAY_IN_WORDS =
	/^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$/i;

/** RFC 9110 section 5.6.7: the form that is sent today, and the two that must still be read. */
const IMF_FIXDATE = /^[a-z]{3}, \d{2} [a-z]{3} \d{4} \d{2}:\d{2}:\d{2} gmt$/i;
const RFC_850_DATE = /^[a-z]{6,9}, \d{2}-[a-z]{3}-\d{2} \d{2}:\d{2}:\d{2} gmt$/i;
const ASCTIME_DATE = /^[a-z]{3} [a-z]{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/i;

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
	const [, day, minute, second = ':00', zone = ''] = RFC_3339.exec(text) ?? [];
	if (day !== undefined) return `${day}T${minute}${second}${/^[+-]/.test(zone) ? zone : 'Z'}`;
	if (DAY.test(text)) return `${text}T00:00:00Z`;
	const [, month, date, year] = DAY_IN_WORDS.exec(text) ?? [];
	if (month !== undefined) return `${date} ${month} ${year} 00:00:00 GMT`;
	if (IMF_FIXDATE.test(text) || RFC_850_DATE.test(text)) return text;
	return ASCTIME_DATE.test(text) ? `${text} GMT` : undefined;
}
