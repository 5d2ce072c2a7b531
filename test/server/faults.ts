/** Everything a token service does wrong in real life, switchable while the server runs. */
import { setTimeout as wait } from 'node:timers/promises';
import type { RequestKind } from './oracle.ts';
import { tokenKinds } from './oracle.ts';
import type { PersonId } from './people.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Serializable, so that a test in another process can set it. Several at once add up. */
export type Fault = {
	/** The requests that are hit; all token-endpoint requests unless said otherwise. */
	readonly on?: RequestKind | readonly RequestKind[];
	/** Hits only requests that carry a token of this person. */
	readonly person?: PersonId;
	/** Hits this many requests, then no more. */
	readonly times?: number;
	/** Waits before the server acts. */
	readonly delayBeforeMs?: number;
	/** Waits after the server has acted (a refresh token is rotated by then) and before it answers. */
	readonly delayAfterMs?: number;
	/** Holds requests at that point until the fault is undone. */
	readonly hold?: 'before' | 'after';
	/** Cuts the connection: `before` the server acted, or `after` (the answer is lost). */
	readonly drop?: 'before' | 'after';
	/** Answers this instead; `when: 'after'` acts first (the answer is lost behind a proxy's). */
	readonly respond?: {
		readonly status: number;
		/** Seconds or an HTTP date. */
		readonly retryAfter?: string;
		readonly headers?: Readonly<Record<string, string>>;
		/** Sent as it is: text that is not JSON, an HTML page, or JSON. */
		readonly body?: string;
		readonly contentType?: string;
		readonly when?: 'before' | 'after';
	};
	/** Answers 200 with a body that is not JSON, without acting. */
	readonly invalidJson?: boolean;
	/** Answers 400 with this `error` code, without acting. */
	readonly oauthError?: string;
	/** Keeps the sent refresh token valid and answers without one (RFC 6749 section 6 allows it). */
	readonly omitRefreshToken?: boolean;
	/** Replaces `expires_in`; null leaves it out. */
	readonly expiresIn?: number | string | null;
	/** Replaces members of a JSON answer; null removes. With `on: 'discovery'` it falsifies the metadata. */
	readonly patch?: { readonly [member: string]: JsonValue };
	/** The `Date` header differs by this from the real time. On every answer, whatever `on` says. */
	readonly dateSkewMs?: number;
	/** Falsifies the authorization response on its way to the redirect URI; null removes. Needs no `on`. */
	readonly redirect?: { readonly iss?: string | null; readonly state?: string | null; readonly code?: string | null };
};

/** An answer before it is written. */
export type Answer = {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	/** A JSON object, text, or undefined for an empty body. */
	readonly body: unknown;
};

export type Undo = { dispose(): void };

export type Faults = {
	add(fault: Fault): Undo;
	/** The faults that hit this request; counts them. `person` is whose token it carries, if that is known. */
	take(kind: RequestKind, person?: PersonId): readonly ActiveFault[];
	dateSkewMs(): number;
	clear(): void;
};

export type ActiveFault = { readonly fault: Fault; readonly released: Promise<void> };

export function createFaults(): Faults {
	const active = new Set<{ entry: ActiveFault; left: number; release(): void }>();
	return {
		add(fault) {
			let release = (): void => {};
			const released = new Promise<void>((resolve) => {
				release = resolve;
			});
			const item = { entry: { fault, released }, left: fault.times ?? Infinity, release };
			active.add(item);
			return {
				dispose() {
					active.delete(item);
					item.release();
				},
			};
		},
		take(kind, person) {
			const hits: ActiveFault[] = [];
			for (const item of active) {
				const { fault } = item.entry;
				if (item.left <= 0 || !hitsKind(fault, kind)) continue;
				if (fault.person !== undefined && fault.person !== person) continue;
				item.left -= 1;
				hits.push(item.entry);
			}
			return hits;
		},
		dateSkewMs: () => [...active].reduce((sum, { entry }) => sum + (entry.fault.dateSkewMs ?? 0), 0),
		clear() {
			for (const item of active) item.release();
			active.clear();
		},
	};
}

function hitsKind(fault: Fault, kind: RequestKind): boolean {
	if (fault.on === undefined) return fault.redirect ? kind === 'authorize' : tokenKinds.includes(kind);
	return typeof fault.on === 'string' ? fault.on === kind : fault.on.includes(kind);
}

/**
 * Produces the answer with the faults applied around it; `undefined` means that the connection is to be cut.
 * @param closing ends every delay when the server closes.
 */
export async function answerWithFaults(
	active: readonly ActiveFault[],
	closing: AbortSignal,
	produce: () => Promise<Answer>,
): Promise<Answer | undefined> {
	await pause(active, 'before', closing);
	if (active.some(({ fault }) => fault.drop === 'before')) return undefined;
	for (const { fault } of active) {
		const instead = replacement(fault, 'before');
		if (instead !== undefined) return instead;
	}
	let answer = await produce();
	for (const { fault } of active) answer = replacement(fault, 'after') ?? patched(answer, fault);
	await pause(active, 'after', closing);
	return active.some(({ fault }) => fault.drop === 'after') ? undefined : answer;
}

async function pause(active: readonly ActiveFault[], when: 'before' | 'after', closing: AbortSignal): Promise<void> {
	for (const { fault, released } of active) {
		const delayMs = when === 'before' ? fault.delayBeforeMs : fault.delayAfterMs;
		if (delayMs !== undefined && !closing.aborted) await sleep(delayMs, closing);
		if (fault.hold === when) await released;
	}
}

async function sleep(delayMs: number, closing: AbortSignal): Promise<void> {
	try {
		await wait(delayMs, undefined, { signal: closing });
	} catch (error) {
		// A closing server ends the delay early; its connections are cut anyway.
		if (!closing.aborted) throw error;
	}
}

function replacement(fault: Fault, when: 'before' | 'after'): Answer | undefined {
	const { respond } = fault;
	if (respond !== undefined && (respond.when ?? 'before') === when) {
		return {
			status: respond.status,
			headers: {
				'content-type': respond.contentType ?? 'text/plain; charset=utf-8',
				...(respond.retryAfter === undefined ? {} : { 'retry-after': respond.retryAfter }),
				...respond.headers,
			},
			body: respond.body ?? `fault ${respond.status}`,
		};
	}
	if (when === 'after') return undefined;
	if (fault.invalidJson)
		return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"access_token":' };
	if (fault.oauthError !== undefined) return { status: 400, headers: {}, body: { error: fault.oauthError } };
	return undefined;
}

function patched(answer: Answer, fault: Fault): Answer {
	if (!isObject(answer.body) || answer.status !== 200) return answer;
	const changes: Record<string, JsonValue> = { ...fault.patch };
	if (fault.expiresIn !== undefined) changes.expires_in = fault.expiresIn;
	if (fault.omitRefreshToken) changes.refresh_token = null;
	if (Object.keys(changes).length === 0) return answer;
	const merged = Object.entries({ ...answer.body, ...changes }).filter(([, value]) => value !== null);
	return { ...answer, body: Object.fromEntries(merged) };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
