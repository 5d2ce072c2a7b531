/**
 * Codes and texts of an error body, whoever wrote it: OpenAI (`error.code`, `error.type`), Anthropic (`error.type`,
 * `error.details.error_code`), Google (`error.status`, `details[].reason`, quota ids), AWS (`__type`), GitHub (`message`),
 * RFC 9457 (`type`), gateways that wrap one of these. Only the places where errors stand are read: a body may also repeat
 * what a person wrote.
 */
import { parseCutJson } from './cutJson.ts';

type Json = Readonly<Record<string, unknown>>;

export type BodyFacts = {
	/** In lower case, outermost first. */
	readonly codes: readonly string[];
	/** In lower case. The whole body if it is not JSON. */
	readonly messages: readonly string[];
	/** The objects in which errors stand; their other fields are for who knows them. */
	readonly objects: readonly Json[];
	/** Headers of another service's answer that a gateway repeats in its own body, by name in lower case. */
	readonly headers: readonly Readonly<Record<string, string>>[];
};

/** Fields whose values are errors, or parts of one. */
const CONTAINERS = [
	'error',
	'errors',
	'detail',
	'details',
	'metadata',
	'response',
	'violations',
	'innererror',
	'inner_error',
] as const;

const CODES = [
	'code',
	'type',
	'status',
	'reason',
	'error',
	'error_code',
	'errorCode',
	'error_type',
	'__type',
	'limit_source',
] as const;

const MESSAGES = [
	'message',
	'Message',
	'errorMessage',
	'error_description',
	'detail',
	'title',
	'error',
	'quotaId',
] as const;

/** A body has a handful; more is somebody's data. */
const MAX_OBJECTS = 64;
const MAX_CODE_LENGTH = 200;
const MAX_MESSAGE_LENGTH = 4 * 1024;

/** Never throws, whatever the text is. */
export function readBody(body: string | undefined): BodyFacts {
	const text = body?.trim() ?? '';
	const json = parseCutJson(text);
	if (json === undefined) {
		return { codes: [], messages: text === '' ? [] : [normalMessage(text)], objects: [], headers: [] };
	}
	const objects = errorObjects(json);
	return {
		codes: unique(objects.flatMap((object) => valuesOf(object, CODES).flatMap(codesOf))),
		messages: unique(objects.flatMap((object) => valuesOf(object, MESSAGES).flatMap(messagesOf))),
		objects,
		headers: objects.flatMap(({ headers }) => (isObject(headers) ? [headersOf(headers)] : [])),
	};
}

/** OpenRouter: `error.metadata.headers`. */
function headersOf(object: Json): Readonly<Record<string, string>> {
	const values = Object.entries(object)
		.slice(0, MAX_OBJECTS)
		.flatMap(([name, value]) =>
			typeof value === 'string' || typeof value === 'number' ? [[name.toLowerCase(), String(value)] as const] : [],
		);
	return Object.fromEntries(values);
}

/** Breadth first, so that the outermost and the first are found whatever the size. */
function errorObjects(json: unknown): readonly Json[] {
	const queue: unknown[] = [json];
	const objects: Json[] = [];
	for (const value of queue) {
		if (objects.length >= MAX_OBJECTS) break;
		const room = 4 * MAX_OBJECTS - queue.length;
		if (Array.isArray(value)) queue.push(...value.slice(0, Math.max(0, room)));
		else if (isObject(value)) {
			objects.push(value);
			queue.push(...valuesOf(value, CONTAINERS).slice(0, Math.max(0, room)));
		}
	}
	return objects;
}

function valuesOf(object: Json, names: readonly string[]): unknown[] {
	return names.filter((name) => Object.hasOwn(object, name)).map((name) => object[name]);
}

/** A code as it is compared, and its short forms where services put a namespace before it or something behind. */
export function codesOf(value: unknown): readonly string[] {
	if (typeof value === 'number' && Number.isSafeInteger(value)) return [String(value)];
	if (typeof value !== 'string') return [];
	const code = value.trim().toLowerCase();
	// What has spaces is a sentence.
	if (code === '' || code.length > MAX_CODE_LENGTH || /\s/.test(code)) return [];
	return unique([code, ...shortForms(code)]).filter((form) => form !== '');
}

/**
 * RFC 9457 problem type `https://example.com/problems/out-of-credit`; AWS `namespace#Name` and `Name:http://…`; xAI
 * `personal-team-blocked:spending-limit`; others `billing/out_of_credits`, `Quota::Exceeded`, `error.quota_exceeded`.
 */
function shortForms(code: string): readonly string[] {
	if (/^https?:\/\//.test(code)) return [code.replace(/\/$/, '').replace(/^.*[/#]/, '')];
	const name = code.replace(/^.*#/, '');
	const before = name.replace(/:.*$/, '');
	// Behind AWS's colon stands an address, whose last part is no code.
	return name.includes('://') ? [before] : [before, name.replace(/^.*[:/.]/, '')];
}

function messagesOf(value: unknown): readonly string[] {
	return typeof value === 'string' && value.trim() !== '' ? [normalMessage(value)] : [];
}

/** As messages are compared: lower case, plain apostrophes, one space between words. */
export function normalMessage(text: string): string {
	return text
		.slice(0, MAX_MESSAGE_LENGTH)
		.toLowerCase()
		.replaceAll(/[\u2018\u2019]/g, "'")
		.replaceAll(/\s+/g, ' ')
		.trim();
}

function unique(values: readonly string[]): readonly string[] {
	return [...new Set(values)];
}

function isObject(value: unknown): value is Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
