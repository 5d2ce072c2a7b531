/** The windows of rate limits that an answer tells of in its headers, and whether each is used up. */
import { type Moment, parseMoment } from './instant.ts';
import { type FailureReport, headerOf } from './report.ts';

export type RateLimitWindow = {
	readonly reset: Moment;
	/** `unknown` if the answer gives no remainder. */
	readonly state: 'used' | 'left' | 'unknown';
	/**
	 * A `fixed` window ends at its reset and gives nothing before. A bucket that `refills` has something long before: its
	 * reset is the time at which it is full again (Anthropic and OpenAI say so of theirs).
	 */
	readonly kind: 'fixed' | 'refills';
};

type Reader = (report: FailureReport, name: string, value: string) => readonly RateLimitWindow[];

/** The first that knows a header's name reads it. */
const READERS: readonly (readonly [RegExp, Reader])[] = [
	// Whether extra use can be bought, not when the subscription has something left.
	[/^anthropic-ratelimit-unified-(?:overage|fallback)-reset$/, () => []],
	// Epoch in s. Subscriptions: status is allowed, allowed_warning or rejected, of the whole and per window of 5 h and 7 d.
	[/^anthropic-ratelimit-unified-(?:[\w-]+-)?reset$/, unifiedWindow],
	[/^anthropic-ratelimit-[\w-]+-reset$/, countedWindow('refills', 'reset', 'remaining')],
	[/^x-ratelimit-reset-[\w-]+$/, countedWindow('refills', 'x-ratelimit-reset', 'x-ratelimit-remaining')],
	[/^(?:x-)?rate-?limit-reset$/, countedWindow('fixed', 'reset', 'remaining')],
	[/^x-codex-[\w-]+-reset-after-seconds$/, codexWindow],
	[/^ratelimit$/, ietfWindows],
];

/** Never throws; what is in no known form is left out. */
export function rateLimitWindows(report: FailureReport): readonly RateLimitWindow[] {
	return Object.entries(report.headers).flatMap(([name, value]) => {
		const reader = READERS.find(([pattern]) => pattern.test(name))?.[1];
		return reader ? reader(report, name, value) : [];
	});
}

/** @param word in the name of the reset header; with `remainingWord` in its place it is that of the remainder. */
function countedWindow(kind: RateLimitWindow['kind'], word: string, remainingWord: string): Reader {
	return (report, name, value) => {
		const at = name.lastIndexOf(word);
		const remaining = name.slice(0, at) + remainingWord + name.slice(at + word.length);
		return windowOf(value, kind, stateOf(headerOf(report, remaining)));
	};
}

function unifiedWindow(report: FailureReport, name: string, value: string): readonly RateLimitWindow[] {
	const status = headerOf(report, name.replace(/reset$/, 'status'))?.toLowerCase();
	if (status === undefined) return windowOf(value, 'fixed', 'unknown');
	return windowOf(value, 'fixed', status.startsWith('allowed') ? 'left' : 'used');
}

function codexWindow(report: FailureReport, name: string, value: string): readonly RateLimitWindow[] {
	const used = numberOf(headerOf(report, name.replace(/reset-after-seconds$/, 'used-percent')));
	return windowOf(value, 'fixed', used === undefined ? 'unknown' : used >= 100 ? 'used' : 'left');
}

/**
 * `RateLimit: "default";r=0;t=30, "daily";r=9;t=3600` (draft-ietf-httpapi-ratelimit-headers), and of its early versions
 * `RateLimit: limit=100, remaining=0, reset=30`.
 */
function ietfWindows(_report: FailureReport, _name: string, value: string): readonly RateLimitWindow[] {
	const items = /\bremaining\s?=/i.test(value)
		? [value.split(/[,;]/)]
		: value.split(',').map((item) => item.split(';'));
	return items.flatMap((parts) => {
		const parameters = new Map(parts.map((part) => parameterOf(part)));
		const reset = parameters.get('t') ?? parameters.get('reset');
		return reset === undefined
			? []
			: windowOf(reset, 'fixed', stateOf(parameters.get('r') ?? parameters.get('remaining')));
	});
}

function parameterOf(part: string): readonly [string, string] {
	const at = part.indexOf('=');
	return at < 0 ? ['', part] : [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()];
}

function windowOf(
	value: string,
	kind: RateLimitWindow['kind'],
	state: RateLimitWindow['state'],
): readonly RateLimitWindow[] {
	const reset = parseMoment(value);
	return reset ? [{ reset, kind, state }] : [];
}

function stateOf(remaining: string | undefined): RateLimitWindow['state'] {
	const left = numberOf(remaining);
	if (left === undefined) return 'unknown';
	return left > 0 ? 'left' : 'used';
}

function numberOf(text: string | undefined): number | undefined {
	return text !== undefined && /^-?\d{1,30}(?:\.\d{1,30})?$/.test(text) ? Number(text) : undefined;
}
