/** What a server's "no" means. The only place that maps status and `error` codes to our own. */
import type { AuthErrorDetail } from '../errors.ts';
import { AuthError } from '../errors.ts';
import type { Answer, Json } from './answer.ts';
import { isObject } from './answer.ts';

export type Refusal = {
	readonly kind: /** The grant is dead (RFC 6749 section 5.2): a real OAuth error body, never a bare status. */
		| 'rejected'
		/** A gateway lost the server's answer: the server may have acted. */
		| 'unknown'
		/** The person or the server's policy said no. */
		| 'denied'
		| 'transient'
		/** Client id, scope, resource or endpoint are wrong: no repetition helps. */
		| 'configuration'
		| 'protocol';
	readonly status: number;
	readonly serverError?: string;
	readonly retryAtMs?: number;
};

/** Beside the standard's word those of services that say it in their own. */
const DEAD_GRANT: ReadonlySet<string> = new Set([
	'invalid_grant',
	'bad_refresh_token',
	'refresh_token_reused',
	'refresh_token_expired',
	'refresh_token_invalidated',
	'refresh_token_revoked',
]);

/** RFC 6749 section 5.2 asks for 400; 401 and 403 occur, and some services answer errors with 200. */
const DEAD_GRANT_STATUS: ReadonlySet<number> = new Set([200, 400, 401, 403]);

const DENIED: ReadonlySet<string> = new Set(['access_denied']);

const TRANSIENT: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);

const CONFIGURATION: ReadonlySet<string> = new Set([
	'invalid_client',
	'unauthorized_client',
	'unsupported_grant_type',
	'unsupported_response_type',
	'invalid_scope',
	'invalid_target',
]);

/** Bad gateway, gateway time-out, and what Cloudflare sends in their place. */
const LOST_BEHIND_GATEWAY: ReadonlySet<number> = new Set([502, 504, 520, 524]);

/** Proxy authentication, request time-out, too early, too many requests. */
const TRANSIENT_STATUS: ReadonlySet<number> = new Set([407, 408, 425, 429]);

/** There is no such endpoint. */
const WRONG_ADDRESS: ReadonlySet<number> = new Set([404, 405, 410]);

/** Lower-case words, as all registered codes are; what looks otherwise may be data and is not repeated. */
const ERROR_CODE = /^[a-z][a-z_]{0,47}$/;

/** The `error` code of a body, also where services nest it as `error.code`. */
export function errorCodeOf(json: Json | undefined): string | undefined {
	const error = json?.error;
	return plainErrorCode(isObject(error) ? error.code : error);
}

/** The code if it is safe to show and to log. */
export function plainErrorCode(value: unknown): string | undefined {
	return typeof value === 'string' && ERROR_CODE.test(value) ? value : undefined;
}

/** Undefined if the answer is a success: 200 and no `error` in it. */
export function refusalOf(answer: Answer): Refusal | undefined {
	const { status, json } = answer;
	const hasError = json?.error !== undefined && json.access_token === undefined;
	if (status >= 200 && status < 300 && !hasError) return undefined;
	const serverError = errorCodeOf(json);
	return {
		kind: kindOf(status, serverError),
		status,
		...(serverError && { serverError }),
		...(answer.retryAtMs === undefined ? {} : { retryAtMs: answer.retryAtMs }),
	};
}

function kindOf(status: number, serverError: string | undefined): Refusal['kind'] {
	if (LOST_BEHIND_GATEWAY.has(status)) return 'unknown';
	if (status >= 500 || TRANSIENT_STATUS.has(status)) return 'transient';
	if (serverError === undefined) return WRONG_ADDRESS.has(status) ? 'configuration' : 'protocol';
	return kindOfErrorCode(serverError, status);
}

/** @param status of the answer; 400 for the authorization response, which has none. */
export function kindOfErrorCode(serverError: string, status: number): Refusal['kind'] {
	if (DEAD_GRANT.has(serverError)) return DEAD_GRANT_STATUS.has(status) ? 'rejected' : 'protocol';
	if (DENIED.has(serverError)) return 'denied';
	if (TRANSIENT.has(serverError)) return 'transient';
	return CONFIGURATION.has(serverError) ? 'configuration' : 'protocol';
}

/** For a sign-in, where a dead grant or a lost answer has no meaning of its own: try again. */
export function refusalError(refusal: Refusal, providerId: string): AuthError {
	const { kind, status, serverError, retryAtMs } = refusal;
	const code = kind === 'rejected' ? 'protocol' : kind === 'unknown' ? 'transient' : kind;
	const detail: AuthErrorDetail = {
		provider: providerId,
		status,
		...(serverError && { serverError }),
		...(retryAtMs === undefined ? {} : { retryAtMs }),
		...(code === 'configuration' ? { field: `${providerId}.${fieldOf(serverError)}` } : {}),
	};
	return new AuthError(code, `the server refused: ${serverError ?? `status ${status}`}`, { detail });
}

/** The field of the settings that an error code is about. */
export function fieldOf(serverError: string | undefined): string {
	if (serverError === 'invalid_scope') return 'scopes';
	if (serverError === 'invalid_target') return 'resource';
	return serverError === undefined ? 'tokenEndpoint' : 'clientId';
}
