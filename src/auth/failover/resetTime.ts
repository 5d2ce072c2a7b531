/**
 * When a bucket may be used again, by what the answer says: `Retry-After`, the headers of rate limits, the body. In time of
 * this machine, corrected by the answer's `Date`: a wrong clock here must not make a cooldown of hours.
 */
import type { BodyFacts } from './bodyFacts.ts';
import { afterMs, bodyTimes } from './bodyTimes.ts';
import { type Moment, parseInstant, parseMoment } from './instant.ts';
import { type RateLimitWindow, rateLimitWindows } from './rateLimitWindows.ts';
import { type FailureReport, headerOf } from './report.ts';
import { RESET_CAP_MS } from './resetCap.ts';

/** Seconds are rounded and clocks differ by some ms: to come back sooner is to be refused again. */
export const SOONEST_MS = 1_000;

/** A report that says it is older is not believed: its time may be of a clock that was set since. */
const MAX_REPORT_AGE_MS = 60 * 60_000;

/**
 * How much of the answer is believed.
 * `asked`: a time at which to come back (`Retry-After`, the body). That of a service which is down or overloaded.
 * `window`: also the end of a fixed window that is used up. That of a quota.
 * `refill`: also, where nothing better is said, the time at which a rate limit is full again. Says nothing about a quota:
 * those headers are of the limit per minute.
 */
export type ResetSource = 'asked' | 'window' | 'refill';

/**
 * In ms of the local wall clock, at least {@link SOONEST_MS} and at most {@link RESET_CAP_MS} after `nowMs`; undefined if
 * the answer names no time, or only instants that have passed. Of several the latest counts: before it one limit still
 * holds. Only of limits that do not say whether they are used up it is the earliest, because most of them are not.
 */
export function resetTime(
	report: FailureReport,
	facts: BodyFacts,
	nowMs: number,
	source: ResetSource,
): number | undefined {
	const local = localTimes(report, nowMs);
	const repeated = facts.headers.map((headers) => ({ ...report, headers }));
	const windows = source === 'asked' ? [] : [report, ...repeated].flatMap(rateLimitWindows);
	const times = (kind: RateLimitWindow['kind'], state: RateLimitWindow['state']): readonly number[] =>
		local(windows.filter((window) => window.kind === kind && window.state === state).map(({ reset }) => reset));

	const certain = [
		...local([...[report, ...repeated].flatMap(askedTimes), ...bodyTimes(facts)]),
		...times('fixed', 'used'),
	];
	if (certain.length > 0) return Math.max(...certain);
	if (source !== 'refill') return undefined;
	const refills = times('refills', 'used');
	if (refills.length > 0) return Math.max(...refills);
	const unknown = [...times('fixed', 'unknown'), ...times('refills', 'unknown')];
	return unknown.length > 0 ? Math.min(...unknown) : undefined;
}

/** RFC 9110 section 10.2.3, and the headers of Azure. The one in milliseconds is the more exact statement of the same. */
function askedTimes(report: FailureReport): readonly Moment[] {
	const exact = headerOf(report, 'retry-after-ms') ?? headerOf(report, 'x-ms-retry-after-ms');
	const moment =
		(exact === undefined ? undefined : afterMs(exact)) ?? parseMoment(headerOf(report, 'retry-after') ?? '');
	return moment ? [moment] : [];
}

/** Translates what the service says into times of this machine. */
function localTimes(report: FailureReport, nowMs: number): (moments: readonly Moment[]) => readonly number[] {
	const receivedAtMs = receivedAt(report, nowMs);
	const serverAtMs = parseInstant(headerOf(report, 'date') ?? '') ?? receivedAtMs;
	return (moments) =>
		moments.flatMap(({ kind, ms }) => {
			const atMs = kind === 'after' ? receivedAtMs + ms : ms - serverAtMs + receivedAtMs;
			// A wait may be over by now. An instant that has passed is of another clock or another time.
			if (!Number.isFinite(atMs) || (kind === 'at' && atMs <= nowMs)) return [];
			return [Math.min(Math.max(Math.ceil(atMs), nowMs + SOONEST_MS), nowMs + RESET_CAP_MS)];
		});
}

function receivedAt({ atMs }: FailureReport, nowMs: number): number {
	return atMs !== undefined && atMs <= nowMs && nowMs - atMs <= MAX_REPORT_AGE_MS ? atMs : nowMs;
}
