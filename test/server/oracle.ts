/**
 * What really reached the server: the witness of every test that claims "one refresh" or "nothing was sent".
 * It holds digests, never tokens, except for {@link Oracle.secrets}, which canary tests need.
 */
import { createHash } from 'node:crypto';
import type { PersonId } from './people.ts';

/** What a request asked for. The first four are token-endpoint requests, by grant type. */
export type RequestKind =
	| 'code'
	| 'refresh'
	| 'device'
	| 'otherGrant'
	| 'authorize'
	| 'deviceAuthorization'
	| 'revocation'
	| 'introspection'
	| 'userinfo'
	| 'whoami'
	| 'discovery'
	| 'page';

export const tokenKinds: readonly RequestKind[] = ['code', 'refresh', 'device', 'otherGrant'];

/** What the server knew about a refresh token at the moment it was processed. */
export type RefreshTokenState =
	/** The one to use next. */
	| 'live'
	/** Used before, answered once more because of the grace period. */
	| 'grace'
	/** Used before: the whole grant is revoked. */
	| 'reused'
	/** Of a grant that was revoked, or never issued. */
	| 'dead';

export type RequestRecord = {
	readonly id: number;
	readonly kind: RequestKind;
	readonly atMs: number;
	readonly path: string;
	/** Only what a log may hold: `user-agent`, `accept`, `content-type` and every `x-` header. */
	readonly requestHeaders: Readonly<Record<string, string>>;
	/** Whose token the request carries. */
	readonly person?: PersonId;
	readonly grantType?: string;
	/** Digest of the refresh token that was sent (token endpoint) or of the token to revoke. */
	readonly refreshTokenDigest?: string;
	readonly refreshTokenState?: RefreshTokenState;
	readonly grantId?: string;
	/** Digests of what the server issued, whether or not the answer arrived. */
	readonly issuedAccessTokenDigest?: string;
	readonly issuedRefreshTokenDigest?: string;
	/** True once the server acted on the request, even if a fault changed or dropped the answer. */
	readonly processed: boolean;
	/** Status of the answer; absent while it is being processed and when the connection was dropped. */
	readonly status?: number;
	/** The `error` code of the answer. */
	readonly error?: string;
	/** False if the answer was dropped or the client had gone. */
	readonly delivered?: boolean;
	readonly doneAtMs?: number;
};

/** A record while its request is being worked on. */
export type OpenRecord = { -readonly [Key in keyof RequestRecord]: RequestRecord[Key] };

/** `arrived`: read and classified, nothing done yet. `done`: the answer is on its way or was dropped. */
export type Phase = 'arrived' | 'done';

export type NextOptions = {
	readonly phase?: Phase;
	/** Also takes a request that came before this call, if its id is greater; for waits set from another process. */
	readonly afterId?: number;
	/** After this time the wait fails, so that a test never hangs. */
	readonly deadlineMs?: number;
	readonly signal?: AbortSignal;
};

export type Oracle = {
	/** Every request, oldest first; entries are filled in while they are processed. */
	readonly requests: readonly RequestRecord[];
	/** The token-endpoint requests only. */
	readonly log: readonly RequestRecord[];
	count(kind: RequestKind): number;
	/** Refreshes the server performed (it rotated or answered with a token), delivered or not. */
	refreshes(): number;
	/** Refresh requests that arrived, whatever became of them. */
	refreshRequests(): number;
	/** Refresh tokens sent again after they were used, outside any grace period. */
	reuses(): number;
	/** The same, inside the grace period. */
	graceReuses(): number;
	/** Digest and count of every refresh token that arrived more than once. */
	resent(): ReadonlyMap<string, number>;
	/** Requests of the revocation endpoint. */
	revocations(): readonly RequestRecord[];
	/** Every token, code, verifier and device code the server has seen or issued: nothing of it may be found in a log or file. */
	secrets(): readonly string[];
	/** The next request of a kind that reaches the phase (default `done`) after this call. */
	next(kind: RequestKind, options?: NextOptions): Promise<RequestRecord>;
};

export type OracleRecorder = Oracle & {
	arrived(record: Omit<OpenRecord, 'id' | 'atMs' | 'processed'>): OpenRecord;
	done(record: OpenRecord): void;
	keepSecret(value: unknown): void;
};

/** Long enough for a loaded machine, short enough that a hanging test names its cause. */
const NEXT_DEADLINE_MS = 15_000;

const keptHeaders = new Set(['user-agent', 'accept', 'content-type']);

export function digest(secret: string): string {
	return createHash('sha256').update(secret).digest('hex');
}

/** The headers that may be kept. */
export function safeHeaders(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
	const safe: Record<string, string> = {};
	for (const [name, value] of Object.entries(headers)) {
		if (typeof value === 'string' && (keptHeaders.has(name) || name.startsWith('x-'))) safe[name] = value;
	}
	return safe;
}

export function createOracle(): OracleRecorder {
	const requests: OpenRecord[] = [];
	const secrets = new Set<string>();
	const waiters = new Set<{ kind: RequestKind; phase: Phase; resolve(record: RequestRecord): void }>();

	const announce = (phase: Phase, record: OpenRecord): void => {
		for (const waiter of [...waiters]) {
			if (waiter.kind === record.kind && waiter.phase === phase) waiter.resolve(record);
		}
	};
	const refreshWith = (...states: readonly RefreshTokenState[]): number =>
		requests.filter((record) => record.refreshTokenState !== undefined && states.includes(record.refreshTokenState))
			.length;

	return {
		requests,
		get log() {
			return requests.filter((record) => tokenKinds.includes(record.kind));
		},
		count: (kind) => requests.filter((record) => record.kind === kind).length,
		refreshes: () =>
			requests.filter((record) => record.kind === 'refresh' && record.issuedAccessTokenDigest !== undefined).length,
		refreshRequests: () => requests.filter((record) => record.kind === 'refresh').length,
		reuses: () => refreshWith('reused'),
		graceReuses: () => refreshWith('grace'),
		resent() {
			const counts = new Map<string, number>();
			for (const { kind, refreshTokenDigest } of requests) {
				if (kind !== 'refresh' || refreshTokenDigest === undefined) continue;
				counts.set(refreshTokenDigest, (counts.get(refreshTokenDigest) ?? 0) + 1);
			}
			return new Map([...counts].filter(([, count]) => count > 1));
		},
		revocations: () => requests.filter((record) => record.kind === 'revocation'),
		secrets: () => [...secrets],
		next(kind, options = {}) {
			const { phase = 'done', deadlineMs = NEXT_DEADLINE_MS, signal, afterId } = options;
			const past =
				afterId === undefined
					? undefined
					: requests.find(
							(record) =>
								record.id > afterId && record.kind === kind && (phase === 'arrived' || record.doneAtMs !== undefined),
						);
			if (past !== undefined) return Promise.resolve(past);
			return new Promise((resolve, reject) => {
				const settle = (finish: () => void): void => {
					waiters.delete(waiter);
					clearTimeout(timer);
					signal?.removeEventListener('abort', onAbort);
					finish();
				};
				const onAbort = (): void => settle(() => reject(signal?.reason));
				const waiter = {
					kind,
					phase,
					resolve: (record: RequestRecord): void => settle(() => resolve(record)),
				};
				const timer = setTimeout(
					() => settle(() => reject(new Error(`no ${kind} request was ${phase} within ${deadlineMs} ms`))),
					deadlineMs,
				);
				waiters.add(waiter);
				if (signal?.aborted) onAbort();
				else signal?.addEventListener('abort', onAbort, { once: true });
			});
		},
		arrived(seen) {
			const record: OpenRecord = { ...seen, id: requests.length + 1, atMs: Date.now(), processed: false };
			requests.push(record);
			announce('arrived', record);
			return record;
		},
		done(record) {
			record.doneAtMs = Date.now();
			announce('done', record);
		},
		keepSecret(value) {
			if (typeof value === 'string' && value !== '') secrets.add(value);
		},
	};
}
