/**
 * The one place from which requests leave. It narrows `fetch` to what OAuth needs: allowed addresses only, no cookies,
 * no redirects, a fresh connection, a bounded body, and failures that say whether the server may have acted.
 */
import type { CustomFetchOptions } from 'oauth4webapi';
import { allowInsecureRequests, customFetch } from 'oauth4webapi';
import { AuthError } from '../errors.ts';
import { judgeUrl } from '../secureUrl.ts';
import { ConnectionFailure, sentState } from './connectionFailure.ts';
import type { OAuthDeps } from './deps.ts';

/** Metadata and token answers are a few KB; more than this is no answer and must not fill the memory. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Headers that later steps read. All others, cookies among them, end here. */
const KEPT_HEADERS = ['content-type', 'date', 'retry-after'] as const;

/** `Response` refuses a body for these. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

export type Wire = {
	readonly signal: AbortSignal;
	/** Plain http is judged per address below: it is allowed on this machine. */
	readonly [allowInsecureRequests]: true;
	readonly [customFetch]: (url: string, options: WireRequest) => Promise<Response>;
};

type WireRequest = CustomFetchOptions<'GET' | 'POST' | string, ReadableStream | string | URLSearchParams | unknown>;

/**
 * Options for one request of `oauth4webapi`.
 * @param signal is the hard deadline: it aborts the request and closes the connection.
 * @throws ConnectionFailure from within the request; `AuthError` `configuration` for an address that is not allowed.
 */
export function wire(deps: OAuthDeps, signal: AbortSignal): Wire {
	return { signal, [allowInsecureRequests]: true, [customFetch]: (url, options) => send(deps, signal, url, options) };
}

async function send(deps: OAuthDeps, signal: AbortSignal, url: string, options: WireRequest): Promise<Response> {
	const target = new URL(url);
	if (judgeUrl(url) !== 'secure') {
		throw new AuthError('configuration', `address not allowed: ${target.origin}`);
	}
	if (signal.aborted) throw new ConnectionFailure('notSent', signal.reason);
	const startedAtMs = deps.clock.monotonic();
	const response = await deps.fetch(url, requestInit(signal, options)).catch((error: unknown) => {
		throw failure(signal, error);
	});
	const body = await readBody(response, signal);
	const tookMs = Math.round(deps.clock.monotonic() - startedAtMs);
	deps.log.debug(`${options.method} ${target.origin}: ${response.status} after ${tookMs} ms`);
	const headers = new Headers();
	for (const name of KEPT_HEADERS) {
		const value = response.headers.get(name);
		if (value !== null) headers.set(name, value);
	}
	if (response.status < 200 || response.status > 599) throw new ConnectionFailure('unknown', undefined);
	return new Response(BODILESS.has(response.status) ? null : body, { status: response.status, headers });
}

function requestInit(signal: AbortSignal, options: WireRequest): RequestInit {
	const { body } = options;
	return {
		method: options.method,
		// An idle connection that the server is just closing loses the request, and nobody could tell whether it was read.
		headers: { ...options.headers, connection: 'close' },
		...(body instanceof URLSearchParams ? { body } : {}),
		redirect: 'manual',
		credentials: 'omit',
		cache: 'no-store',
		referrerPolicy: 'no-referrer',
		signal,
	};
}

/** An error status speaks for itself even if its body is cut; a success without its body says nothing. */
async function readBody(response: Response, signal: AbortSignal): Promise<string> {
	if (response.body === null) return '';
	const reader = response.body.getReader();
	const chunks: Uint8Array[] = [];
	let size = 0;
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return Buffer.concat(chunks).toString('utf8');
			size += value.byteLength;
			if (size > MAX_BODY_BYTES) break;
			chunks.push(value);
		}
	} catch (error) {
		if (signal.aborted || response.status < 400) throw failure(signal, error, 'unknown');
		return '';
	}
	// The connection is given up; what else it brings is of no interest.
	reader.cancel().catch(() => undefined);
	if (response.status >= 400) return '';
	throw new ConnectionFailure('unknown', new AuthError('protocol', `answer of more than ${MAX_BODY_BYTES} bytes`));
}

function failure(signal: AbortSignal, error: unknown, sent?: 'unknown'): ConnectionFailure {
	if (signal.aborted) return new ConnectionFailure('unknown', signal.reason);
	return new ConnectionFailure(sent ?? sentState(error), error);
}
