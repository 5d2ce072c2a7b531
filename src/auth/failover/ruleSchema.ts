/**
 * A rule as it may be written in the settings. No regular expressions: one that hangs would hang the window. The messages
 * are the second half of a sentence that begins with the path.
 */
import * as v from 'valibot';

const MAX_LIST = 50;
const MAX_TEXT_LENGTH = 200;
const MAX_WAIT_MS = 60 * 60_000;

/** Also shown in the tree and in the log. */
const RULE_ID = /^[a-z0-9][a-z0-9-]{0,59}$/;

const text = v.pipe(
	v.string('must be a string'),
	v.trim(),
	v.toLowerCase(),
	v.minLength(1, 'must not be blank'),
	v.maxLength(MAX_TEXT_LENGTH, `must have at most ${MAX_TEXT_LENGTH} characters`),
);

export const ruleId = v.pipe(
	v.string('must be a string'),
	v.regex(RULE_ID, 'must be a-z, 0-9 and "-", at most 60 characters, not "-" first'),
);

/** Compared whole. */
const code = v.pipe(text, v.regex(/^\S*$/, 'must not contain blanks: a sentence belongs into message'));

/** Compared as a part of a message, which has single spaces and plain apostrophes. */
const phrase = v.pipe(
	text,
	v.transform((value) => value.replaceAll(/[\u2018\u2019]/g, "'").replaceAll(/\s+/g, ' ')),
	v.minLength(3, 'must have at least 3 characters: less is in nearly every message'),
);

type StatusCondition = number | '2xx' | '3xx' | '4xx' | '5xx';

const status = v.custom<StatusCondition>(
	(value) =>
		typeof value === 'number'
			? value === 0 || (Number.isInteger(value) && value >= 200 && value <= 599)
			: value === '2xx' || value === '3xx' || value === '4xx' || value === '5xx',
	'must be 0 (no answer), a status from 200 to 599, or "2xx", "3xx", "4xx", "5xx"',
);

const headerName = v.pipe(text, v.regex(/^[!#$%&'*+.^_`|~0-9a-z-]+$/, 'must be the name of a header'));

/** A single value stands for a list of one. */
function listOf<S extends v.GenericSchema>(item: S) {
	return v.pipe(
		v.unknown(),
		v.transform((value): unknown => (Array.isArray(value) ? value : [value])),
		v.array(item),
		v.minLength(1, 'must not be an empty list'),
		v.maxLength(MAX_LIST, `must be a list of at most ${MAX_LIST}`),
	);
}

const when = v.pipe(
	v.strictObject(
		{
			/** Any of these. Without it all from 400 to 499. */
			status: v.optional(listOf(status)),
			/** Any of these is one of the codes, whole. */
			code: v.optional(listOf(code)),
			/** Any of these is part of one of the messages. */
			message: v.optional(listOf(phrase)),
			/** All of these were sent with this value, whole; `*` is any value. */
			header: v.optional(v.record(headerName, text, 'must be values by header name')),
		},
		'must be an object',
	),
	v.check((condition) => Object.keys(condition).length > 0, 'must name status, code, message or header'),
);

const exhaustedReason = v.picklist(
	['quota', 'rate_limit', 'credit', 'entitlement'],
	'must be "quota", "rate_limit", "credit" or "entitlement"',
);

const waitMs = v.pipe(
	v.number('must be a number of ms'),
	v.integer('must be a whole number of ms'),
	v.minValue(1_000, 'must be at least 1000 ms'),
	v.maxValue(MAX_WAIT_MS, `must be at most ${MAX_WAIT_MS} ms`),
);

const outcome = v.variant(
	'kind',
	[
		v.strictObject({ kind: v.literal('fine') }),
		v.strictObject({ kind: v.literal('refused') }),
		v.strictObject({
			kind: v.literal('exhausted'),
			reason: exhaustedReason,
			/**
			 * `named` (the default): the time that the answer names. `distant`: that time if it is not within the minute, because
			 * a delay of seconds ends no quota of a day. `unnamed`: whatever it names is of something else.
			 */
			until: v.optional(
				v.picklist(
					['named', 'distant', 'unnamed', 'nextMonth'],
					'must be "named", "distant", "unnamed" or "nextMonth" (first day, 0:00 UTC)',
				),
			),
		}),
		v.strictObject({
			kind: v.literal('wait'),
			reason: v.picklist(
				['rate_limit', 'overloaded', 'unavailable'],
				'must be "rate_limit", "overloaded" or "unavailable"',
			),
			/** If the answer names no time. */
			waitMs: v.optional(waitMs),
		}),
		v.strictObject({
			kind: v.literal('denied'),
			reason: v.picklist(
				['scope', 'policy', 'forbidden', 'bad_request'],
				'must be "scope", "policy", "forbidden" or "bad_request"',
			),
		}),
		/** Wait if that is short, else exhausted. */
		v.strictObject({
			kind: v.literal('limit'),
			reason: exhaustedReason,
			/** If the answer names no time. Without it that is exhausted. */
			waitMs: v.optional(waitMs),
		}),
	],
	'must be "fine", "refused", "exhausted", "wait", "denied" or "limit"',
);

export const ruleSchema = v.pipe(
	v.strictObject({ id: ruleId, when, then: outcome }, 'must be an object with id, when and then'),
	v.check(
		(rule) => !movesOn(rule.then.kind) || !(rule.when.status ?? []).some(neverMovesOn),
		'must not move on to another bucket for 0 or 5xx: the next one would get the same answer',
	),
);

/** Whether an outcome may end with the token of another bucket. */
export function movesOn(kind: v.InferOutput<typeof outcome>['kind']): boolean {
	return kind === 'refused' || kind === 'exhausted' || kind === 'limit';
}

/** No answer and 5xx are of the service or of the way to it, whoever asks. */
export function neverMovesOn(answer: StatusCondition): boolean {
	return answer === '5xx' || (typeof answer === 'number' && (answer === 0 || answer >= 500));
}

export const overridesSchema = v.strictObject(
	{
		rules: v.optional(
			v.pipe(v.array(v.unknown(), 'must be a list'), v.maxLength(100, 'must be a list of at most 100')),
		),
		disabled: v.optional(
			v.pipe(v.array(v.unknown(), 'must be a list of rule ids'), v.maxLength(100, 'must be a list of at most 100')),
		),
	},
	'must be an object with rules and disabled',
);
