/** Reads a report by the rules. Pure: the same report, rules and time give the same verdict. */
import type { BodyFacts } from './bodyFacts.ts';
import { factsOf } from './facts.ts';
import { type FailureReport, headerOf } from './report.ts';
import { resetTime } from './resetTime.ts';
import { movesOn, neverMovesOn } from './ruleSchema.ts';
import type { Condition, Outcome, Rule } from './rules.ts';
import type { Verdict, WaitReason } from './verdict.ts';

export type ClassifyOptions = {
	/** A rate limit that ends later than this from now is a reason to move on. */
	readonly longWaitMs: number;
};

/** A service that is down is asked again within the hour, whatever it says: a wrong header must not lock people out. */
export const WAIT_CAP_MS = 60 * 60_000;

/** Where neither the answer nor the rule names a time. */
const WAIT_MS: Readonly<Record<WaitReason, number>> = { rate_limit: 30_000, overloaded: 30_000, unavailable: 10_000 };

/** The rule of a verdict that no rule gave: those that would were disabled. */
export const NO_RULE = 'none';

/** The first rule that fits decides. Never throws. `untilMs` is later than `nowMs`, by at most `RESET_CAP_MS`. */
export function classify(
	report: FailureReport,
	rules: readonly Rule[],
	nowMs: number,
	options: ClassifyOptions,
): Verdict {
	const facts = factsOf(report);
	const rule = rules.find((candidate) => mayDecide(candidate, report.status) && matches(candidate.when, report, facts));
	return rule ? verdictOf(rule, report, facts, nowMs, options) : withoutRule(report.status, nowMs);
}

/** Whatever a rule says: another bucket would get the same answer from a service that is down. */
function mayDecide({ then }: Rule, status: number): boolean {
	return !movesOn(then.kind) || !neverMovesOn(status);
}

function matches(when: Condition, report: FailureReport, facts: BodyFacts): boolean {
	return (
		matchesStatus(when.status ?? ['4xx'], report.status) &&
		(when.code === undefined || when.code.some((code) => facts.codes.some((found) => isSameCode(found, code)))) &&
		(when.message?.some((part) => facts.messages.some((message) => message.includes(part))) ?? true) &&
		Object.entries(when.header ?? {}).every(([name, value]) => matchesHeader(value, headerOf(report, name)))
	);
}

/** `out-of-credits` and `out_of_credits` are one word. */
function isSameCode(one: string, other: string): boolean {
	return one.replaceAll('-', '_') === other.replaceAll('-', '_');
}

function matchesStatus(expected: NonNullable<Condition['status']>, status: number): boolean {
	return expected.some((entry) => entry === status || entry === `${Math.floor(status / 100)}xx`);
}

function matchesHeader(expected: string, value: string | undefined): boolean {
	return value !== undefined && (expected === '*' || value.toLowerCase() === expected);
}

function verdictOf(
	{ id: rule, then }: Rule,
	report: FailureReport,
	facts: BodyFacts,
	nowMs: number,
	{ longWaitMs }: ClassifyOptions,
): Verdict {
	const named = (source: Parameters<typeof resetTime>[3]): number | undefined =>
		resetTime(report, facts, nowMs, source);
	switch (then.kind) {
		case 'fine':
		case 'refused':
			return { kind: then.kind, rule };
		case 'denied':
			return { kind: 'denied', reason: then.reason, rule };
		case 'wait': {
			const untilMs = named('asked') ?? nowMs + (then.waitMs ?? WAIT_MS[then.reason]);
			return { kind: 'wait', reason: then.reason, untilMs: Math.min(untilMs, nowMs + WAIT_CAP_MS), rule };
		}
		case 'exhausted':
			return exhausted(then.reason, exhaustedUntil(then.until ?? 'named', nowMs, longWaitMs, named), rule);
		case 'limit': {
			const untilMs = named('refill');
			if (untilMs === undefined) {
				if (then.waitMs === undefined) return exhausted(then.reason, undefined, rule);
				return { kind: 'wait', reason: 'rate_limit', untilMs: nowMs + then.waitMs, rule };
			}
			if (untilMs - nowMs > longWaitMs) return exhausted(then.reason, untilMs, rule);
			return { kind: 'wait', reason: 'rate_limit', untilMs, rule };
		}
	}
}

function exhaustedUntil(
	until: NonNullable<Extract<Outcome, { kind: 'exhausted' }>['until']>,
	nowMs: number,
	longWaitMs: number,
	named: (source: 'window') => number | undefined,
): number | undefined {
	if (until === 'named') return named('window');
	if (until === 'distant') {
		const untilMs = named('window');
		return untilMs !== undefined && untilMs - nowMs > longWaitMs ? untilMs : undefined;
	}
	return until === 'nextMonth' ? nextMonthMs(nowMs) : undefined;
}

/** The first of the next month, 0:00 UTC: at most 31 days away. */
function nextMonthMs(nowMs: number): number {
	const now = new Date(nowMs);
	return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
}

function exhausted(
	reason: Extract<Verdict, { kind: 'exhausted' }>['reason'],
	untilMs: number | undefined,
	rule: string,
): Verdict {
	return { kind: 'exhausted', reason, ...(untilMs === undefined ? {} : { untilMs }), rule };
}

/** Takes no bucket out of use. */
function withoutRule(status: number, nowMs: number): Verdict {
	if (neverMovesOn(status)) {
		return { kind: 'wait', reason: 'unavailable', untilMs: nowMs + WAIT_MS.unavailable, rule: NO_RULE };
	}
	return status < 400
		? { kind: 'fine', rule: NO_RULE }
		: { kind: 'denied', reason: status === 403 ? 'forbidden' : 'bad_request', rule: NO_RULE };
}
