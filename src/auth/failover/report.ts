/**
 * What a request of a consumer got, as the consumer tells it. Parsed once, here: bounded, header names in lower case, and
 * without the headers that carry secrets.
 */
import * as v from 'valibot';

export type FailureReport = {
	/** HTTP status; 0 if there was no answer. */
	readonly status: number;
	/** By name in lower case. */
	readonly headers: Readonly<Record<string, string>>;
	/** The beginning of the body. */
	readonly body?: string;
	/** Wall clock of this machine at which the answer came. */
	readonly atMs?: number;
};

export type ReportReading =
	| { readonly kind: 'report'; readonly report: FailureReport }
	/** `text` names the field and repeats no value. */
	| { readonly kind: 'invalid'; readonly text: string };

/** Proxies add dozens; more than this is no answer of a service. */
export const MAX_HEADERS = 100;
/** In characters, as are the other limits. Servers refuse longer lines themselves. */
export const MAX_HEADER_LENGTH = 8 * 1024;
/** Error bodies say what they have to say in their first lines. */
export const MAX_BODY_LENGTH = 16 * 1024;

const MAX_HEADER_NAME_LENGTH = 128;

/** Looked at before giving up: many may be dropped for what they are. */
const MAX_PAIRS = 10 * MAX_HEADERS;

/** RFC 9110 section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** They say nothing about a failure, and nobody has to keep them out of a log who does not have them. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
	'authorization',
	'proxy-authorization',
	'cookie',
	'set-cookie',
	'set-cookie2',
	'x-api-key',
	'x-goog-api-key',
	'api-key',
]);

const status = v.pipe(
	v.number(),
	v.integer(),
	v.check((value) => value === 0 || (value >= 100 && value <= 599)),
);

const reportSchema = v.object({
	status,
	headers: v.optional(v.unknown()),
	body: v.nullish(v.string()),
	atMs: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
});

/**
 * Reads `{ status, headers?, body?, atMs? }`. Headers may be an object, a `Headers` or a list of pairs; a value may be a
 * list, as Node gives it. What is too long is cut. Never throws.
 */
export function parseFailureReport(input: unknown): ReportReading {
	try {
		const parsed = v.safeParse(reportSchema, input);
		if (!parsed.success) return { kind: 'invalid', text: invalidText(parsed.issues[0].path?.[0]?.key) };
		const { status, body, atMs } = parsed.output;
		const headers = readHeaders(parsed.output.headers);
		if (headers === undefined) return { kind: 'invalid', text: invalidText('headers') };
		return {
			kind: 'report',
			report: {
				status,
				headers,
				...(body ? { body: body.slice(0, MAX_BODY_LENGTH) } : {}),
				...(atMs === undefined ? {} : { atMs }),
			},
		};
	} catch {
		// A getter or a proxy of the caller threw: whatever that is, it is no report.
		return { kind: 'invalid', text: 'the report cannot be read' };
	}
}

function invalidText(field: unknown): string {
	if (field === 'status') return 'status must be 0 (no answer) or a whole number from 100 to 599';
	if (field === 'headers') return 'headers must be strings by name';
	if (field === 'body') return 'body must be a string';
	if (field === 'atMs') return 'atMs must be a time in ms since the epoch';
	return 'a report is an object with a status';
}

/** Undefined if it is none of the accepted forms. */
function readHeaders(value: unknown): Record<string, string> | undefined {
	if (value === undefined || value === null) return {};
	if (typeof value !== 'object') return undefined;
	const found = new Map<string, string>();
	for (const [rawName, rawValue] of pairsOf(value)) {
		if (typeof rawName !== 'string') return undefined;
		if (rawValue === undefined || rawValue === null) continue;
		const text = headerText(rawValue);
		if (text === undefined) return undefined;
		if (rawName.length > MAX_HEADER_NAME_LENGTH) continue;
		const name = rawName.toLowerCase();
		if (!HEADER_NAME.test(name) || SECRET_HEADERS.has(name)) continue;
		const present = found.get(name);
		// RFC 9110 section 5.3: several lines of one name are one list.
		if (present !== undefined) found.set(name, `${present}, ${text}`.slice(0, MAX_HEADER_LENGTH));
		else if (found.size < MAX_HEADERS) found.set(name, text);
	}
	return Object.fromEntries(found);
}

function* pairsOf(value: object): Generator<readonly [unknown, unknown]> {
	if (!(Symbol.iterator in value) || typeof value[Symbol.iterator] !== 'function') {
		// Not `entries`, which would read a million values before the first is refused.
		let seen = 0;
		for (const name in value) {
			if (!Object.hasOwn(value, name)) continue;
			if (++seen > MAX_PAIRS) return;
			yield [name, (value as Readonly<Record<string, unknown>>)[name]];
		}
		return;
	}
	let seen = 0;
	for (const pair of value as Iterable<unknown>) {
		if (++seen > MAX_PAIRS) return;
		yield Array.isArray(pair) && pair.length === 2 ? [pair[0], pair[1]] : [undefined, undefined];
	}
}

/** Undefined if it is no header value. */
function headerText(value: unknown): string | undefined {
	if (typeof value === 'string') return value.slice(0, MAX_HEADER_LENGTH).trim();
	if (typeof value === 'number') return String(value);
	if (!Array.isArray(value)) return undefined;
	const lines = value.slice(0, MAX_HEADERS);
	if (!lines.every((line) => typeof line === 'string')) return undefined;
	return lines.join(', ').slice(0, MAX_HEADER_LENGTH).trim();
}

/** The header's value; undefined if it was not sent. */
export function headerOf(report: FailureReport, name: string): string | undefined {
	return Object.hasOwn(report.headers, name) ? report.headers[name] : undefined;
}
