/** When the body says the service can be asked again: fields of the vendors, and the sentences of those who have none. */
import type { BodyFacts } from './bodyFacts.ts';
import { leadingDuration, type Moment, parseInstant, parseMoment } from './instant.ts';

/** Seconds if it is a bare number; services write `"3.5s"` into some of them. */
const SECONDS_FIELDS = [
	// Codex: error.resets_in_seconds beside error.resets_at.
	'resets_in_seconds',
	'reset_after_seconds',
	'retry_after',
	'retry_after_seconds',
	'retryAfter',
	'retryAfterSeconds',
	// Google RetryInfo, and ErrorInfo.metadata of the Code Assist service.
	'retryDelay',
	'quotaResetDelay',
] as const;

const MS_FIELDS = ['retry_after_ms', 'retryAfterMs'] as const;

const INSTANT_FIELDS = ['resets_at', 'reset_at', 'resetsAt', 'resetAt', 'reset_time', 'quotaResetTimeStamp'] as const;

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
] as const;

const BEFORE_INSTANT = ['try again at ', 'retry at ', 'resets at ', 'reset at ', 'available again at '] as const;

/** Anthropic, of a spend limit: `You will regain access on 2026-12-01 at 00:00 UTC.` */
const DAY_AND_HOUR = /\bon (\d{4}-\d{2}-\d{2}) at (\d{2}:\d{2}) utc\b/;

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
			const [, text] = /^([\dt:. +-]{19,40}z?)/.exec(phrase) ?? [];
			const atMs = text === undefined ? undefined : parseInstant(text.replace(/[. ]+$/, ''));
			return atMs === undefined ? [] : { kind: 'at', ms: atMs };
		}),
		...dayAndHour(message),
	];
}

function dayAndHour(message: string): readonly Moment[] {
	const [, day, hour] = DAY_AND_HOUR.exec(message) ?? [];
	const atMs = parseInstant(`${day}T${hour}:00Z`);
	return atMs === undefined ? [] : [{ kind: 'at', ms: atMs }];
}

/** What follows the first occurrence of each. */
function phrases(message: string, starts: readonly string[]): readonly string[] {
	return starts.flatMap((start) => {
		const at = message.indexOf(start);
		return at < 0 ? [] : [message.slice(at + start.length, at + start.length + PHRASE_LENGTH)];
	});
}
