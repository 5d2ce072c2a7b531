/** When the body says the service can be asked again: fields of the vendors, and the sentences of those who have none. */
import type { BodyFacts } from './bodyFacts.ts';
import { leadingDuration } from './durationWords.ts';
import { type Moment, parseInstant, parseMoment } from './instant.ts';

/** Seconds if it is a bare number; services write `"3.5s"` into some of them. */
const SECONDS_FIELDS = [
	// Codex: error.resets_in_seconds beside error.resets_at.
	'resets_in_seconds',
	'reset_after_seconds',
	'reset_in_seconds',
	'seconds_until_reset',
	'retry_after',
	'retry_after_seconds',
	'retryAfter',
	'retryAfterSeconds',
	// Google RetryInfo, and ErrorInfo.metadata of the Code Assist service.
	'retryDelay',
	'quotaResetDelay',
] as const;

const MS_FIELDS = ['retry_after_ms', 'retryAfterMs'] as const;

const INSTANT_FIELDS = [
	'resets_at',
	'reset_at',
	'resetsAt',
	'resetAt',
	'reset_time',
	'resetTime',
	'reset_date',
	'resetDate',
	'next_reset_at',
	'nextResetAt',
	// GitHub Copilot.
	'quota_reset_date',
	'quotaResetTimeStamp',
] as const;

/** What stands before a duration in a sentence. All in lower case, as messages are. */
const BEFORE_DURATION = [
	'try again in ',
	'try again after ',
	'retry in ',
	'retry after ',
	'resets in ',
	'reset in ',
	'reset after ',
	'available again in ',
	'wait ',
	// German, French, Spanish, Portuguese, Italian, Russian, Chinese.
	'erneut in ',
	'wieder in ',
	'réessayez dans ',
	'réessayer dans ',
	'de nuevo en ',
	'novamente em ',
	'riprova tra ',
	'через ',
	'请在 ',
	'请在',
	'請在 ',
	'請在',
] as const;

/** Languages that say it behind the duration: `30 秒后重试`, `30秒後に`, `30초 후`. */
const DURATION_BEFORE = /(\d{1,15}(?:\.\d{1,9})? ?[^\d\s.,，。:]{1,3}) ?(?:后|後|之后|之後|후)/u;

/** Anthropic, of a spend limit: `You will regain access on 2026-12-01 at 00:00 UTC.` */
const BEFORE_INSTANT = [
	'try again at ',
	'try again after ',
	'retry at ',
	'retry after ',
	'resets at ',
	'resets on ',
	'reset at ',
	'reset on ',
	'renews on ',
	'available again at ',
	'again on ',
	'regain access on ',
	'wait until ',
] as const;

/** The longest text at the beginning that is an instant: date and time, an HTTP date, or a day. */
const INSTANT_TEXT =
	/^(?:\d{4}-\d{2}-\d{2}(?:(?:t| at | )\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)? ?(?:z|utc|gmt|[+-]\d{2}:\d{2})|(?![\dt]| at | \d))|[a-z]{3}, \d{2} [a-z]{3} \d{4} \d{2}:\d{2}:\d{2} gmt|[a-z]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})/;

/** A duration in words is shorter. */
const PHRASE_LENGTH = 64;

export function bodyTimes(facts: BodyFacts): readonly Moment[] {
	return [...facts.objects.flatMap(fieldTimes), ...facts.messages.flatMap(sentenceTimes)];
}

function fieldTimes(object: Readonly<Record<string, unknown>>): readonly Moment[] {
	const texts = (names: readonly string[]): string[] =>
		names.filter((name) => Object.hasOwn(object, name)).flatMap((name) => textOf(object[name]));
	return [
		...texts(SECONDS_FIELDS).flatMap((text) => parseMoment(text) ?? []),
		...texts(MS_FIELDS).flatMap((text) => afterMs(text) ?? []),
		// A number too small for a date is somebody's counter.
		...texts(INSTANT_FIELDS).flatMap((text) => instantOnly(parseMoment(text)) ?? []),
	];
}

function textOf(value: unknown): readonly string[] {
	if (typeof value === 'string') return [value.slice(0, PHRASE_LENGTH)];
	return typeof value === 'number' && Number.isFinite(value) ? [String(value)] : [];
}

/** A number of milliseconds to wait. */
export function afterMs(text: string): Moment | undefined {
	return /^\d{1,30}(?:\.\d{1,30})?$/.test(text.trim()) ? { kind: 'after', ms: Number(text) } : undefined;
}

function instantOnly(moment: Moment | undefined): Moment | undefined {
	return moment?.kind === 'at' ? moment : undefined;
}

function sentenceTimes(message: string): readonly Moment[] {
	return [
		...phrases(message, BEFORE_DURATION).flatMap((phrase): Moment | readonly [] => {
			const duration = leadingDuration(phrase);
			return duration ? { kind: 'after', ms: duration.ms } : [];
		}),
		...phrases(message, BEFORE_INSTANT).flatMap((phrase): Moment | readonly [] => {
			const [text] = INSTANT_TEXT.exec(phrase) ?? [];
			const atMs = text === undefined ? undefined : parseInstant(text.replace(' at ', ' '));
			return atMs === undefined ? [] : { kind: 'at', ms: atMs };
		}),
		...durationBefore(message),
	];
}

function durationBefore(message: string): readonly Moment[] {
	const [, text = ''] = DURATION_BEFORE.exec(message) ?? [];
	const duration = leadingDuration(text);
	return duration?.length === text.length && duration.length > 0 ? [{ kind: 'after', ms: duration.ms }] : [];
}

/** What follows the first occurrence of each. */
function phrases(message: string, starts: readonly string[]): readonly string[] {
	return starts.flatMap((start) => {
		const at = message.indexOf(start);
		return at < 0 ? [] : [message.slice(at + start.length, at + start.length + PHRASE_LENGTH)];
	});
}
