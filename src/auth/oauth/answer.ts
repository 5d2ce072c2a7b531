/** What a server said, read once: status, JSON object if it is one, and its idea of the time. */
import { AuthError } from '../errors.ts';
import type { OAuthDeps } from './deps.ts';

export type Json = Readonly<Record<string, unknown>>;

export type Answer = {
	readonly status: number;
	/** Absent if the body is not a JSON object. */
	readonly json?: Json;
	/** Local wall clock at which the answer was complete. `expires_in` counts from here: a wrong clock does no harm. */
	readonly receivedAtMs: number;
	/** Server time minus local time by the `Date` header, with its resolution of a second. For reports and ID tokens. */
	readonly clockSkewMs?: number;
	/** From `Retry-After`, in local time. */
	readonly retryAtMs?: number;
};

/** A difference below this is latency and rounding. */
const NOTABLE_SKEW_MS = 60_000;

/** A server that says "in a year" is not believed: by then the person has asked by hand. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000;

export async function readAnswer(response: Response, deps: OAuthDeps): Promise<Answer> {
	const receivedAtMs = deps.clock.now();
	const json = parseObject(await response.text());
	const serverAtMs = parseHttpDate(response.headers.get('date') ?? '');
	const skewMs = Number.isNaN(serverAtMs) ? undefined : serverAtMs - receivedAtMs;
	if (skewMs !== undefined && Math.abs(skewMs) > NOTABLE_SKEW_MS) {
		deps.log.warn(`local clock differs from the server's by ${Math.round(skewMs / 1000)} s`);
	}
	const waitMs = retryAfterMs(response.headers.get('retry-after'), serverAtMs, receivedAtMs);
	return {
		status: response.status,
		receivedAtMs,
		...(json && { json }),
		...(skewMs === undefined ? {} : { clockSkewMs: skewMs }),
		...(waitMs === undefined ? {} : { retryAtMs: receivedAtMs + waitMs }),
	};
}

/** RFC 9110 section 10.2.3: seconds, or a date of the server's clock. */
function retryAfterMs(header: string | null, serverAtMs: number, receivedAtMs: number): number | undefined {
	const value = header?.trim() ?? '';
	if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, MAX_RETRY_AFTER_MS);
	const atMs = parseHttpDate(value);
	if (Number.isNaN(atMs)) return undefined;
	const waitMs = atMs - (Number.isNaN(serverAtMs) ? receivedAtMs : serverAtMs);
	return Math.min(Math.max(0, waitMs), MAX_RETRY_AFTER_MS);
}

/** RFC 9110 section 5.6.7, the form that is sent today; `Date.parse` alone takes nearly anything. NaN if it is none. */
function parseHttpDate(text: string): number {
	return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}

function parseObject(text: string): Json | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return isObject(value) ? value : undefined;
	} catch {
		// Not JSON; the parser's message would quote the body.
		return undefined;
	}
}

export function isObject(value: unknown): value is Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON answer in the form `oauth4webapi` checks. Only for objects that were read with {@link readAnswer}. */
export function jsonResponse(json: Json): Response {
	return new Response(JSON.stringify(json), { status: 200, headers: { 'content-type': 'application/json' } });
}

/** The object of a 200 answer. @throws AuthError `protocol` if there is none. */
export function requireJson(answer: Answer): Json {
	if (answer.json === undefined) {
		throw new AuthError('protocol', 'answer is not a JSON object', { detail: { status: answer.status } });
	}
	return answer.json;
}
