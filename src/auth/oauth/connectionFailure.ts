/**
 * A request without an answer: could the server have acted on it? The difference decides whether a refresh token may be
 * sent again freely, so only what is known to fail before the request's first byte counts as not sent.
 * Codes: Node's system errors, its TLS errors, undici's `UND_ERR_*`, Chromium's `net::ERR_*` (VS Code can route `fetch`
 * through Electron, whose errors carry no code).
 */
import { safeCause } from './safeCause.ts';

export type SentState =
	/** Nothing reached the server: free to try again. */
	| 'notSent'
	/** The server may have acted. */
	| 'unknown';

export class ConnectionFailure extends Error {
	readonly sent: SentState;

	/** @param cause is stripped: it may hold a response. */
	constructor(sent: SentState, cause: unknown) {
		const safe = safeCause(cause);
		super(`no answer (${sent})`, safe && { cause: safe });
		this.name = 'ConnectionFailure';
		this.sent = sent;
	}
}

/** Fail while the name is resolved or the route is looked for, whatever the syscall. */
const BEFORE_CONNECT: ReadonlySet<string> = new Set([
	'ENOTFOUND',
	'EAI_AGAIN',
	'EAI_FAIL',
	'EAI_NODATA',
	'EAI_NONAME',
	'ECONNREFUSED',
	'ENETDOWN',
	'EADDRNOTAVAIL',
	'UND_ERR_CONNECT_TIMEOUT',
	'UND_ERR_INVALID_ARG',
	'UND_ERR_PRX_TLS',
	'ERR_PROXY_TUNNEL',
]);

/**
 * A proxy that refuses the tunnel, through which nothing was sent then. undici has no code of its own for it: the same one
 * stands for a request that was given up in the middle.
 */
const TUNNEL_REFUSED = /^Proxy response \(\d/;

/** The certificate is judged before the request is written. */
const CERTIFICATE = /^(?:CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_CA$)/;

/**
 * Alerts and record errors of the handshake. Others (`bad record mac`) may come in the middle of a connection.
 */
const HANDSHAKE =
	/^ERR_SSL_.*(?:WRONG_VERSION_NUMBER|PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE|UNRECOGNIZED_NAME|NO_CIPHER|NO_SHARED_CIPHER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|CERTIFICATE_REQUIRED|NO_APPLICATION_PROTOCOL)/;

const CHROMIUM =
	/^net::ERR_(?:NAME_NOT_RESOLVED|NAME_RESOLUTION_FAILED|DNS_[A-Z_]+|INTERNET_DISCONNECTED|CONNECTION_REFUSED|CONNECTION_TIMED_OUT|CONNECTION_FAILED|ADDRESS_UNREACHABLE|ADDRESS_INVALID|PROXY_CONNECTION_FAILED|TUNNEL_CONNECTION_FAILED|CERT_[A-Z_]+|SSL_PROTOCOL_ERROR|SSL_VERSION_OR_CIPHER_MISMATCH|BLOCKED_BY_CLIENT)$/;

/** @param error what `fetch` rejected with, other than because of its signal. */
export function sentState(error: unknown): SentState {
	if (!(error instanceof Error)) return 'unknown';
	if (CHROMIUM.test(error.message)) return 'notSent';
	const inner = error.cause;
	// "fetch failed" wraps the reason; a reason with neither code nor further cause says nothing.
	// So does "Request was cancelled", which is what undici makes of a tunnel that was refused.
	if ((error instanceof TypeError || error instanceof DOMException) && inner instanceof Error) return sentState(inner);
	if (error instanceof AggregateError && error.errors.length > 0) {
		// One error per address that was tried.
		return error.errors.every((one) => sentState(one) === 'notSent') ? 'notSent' : 'unknown';
	}
	const { code, syscall, host } = errorFields(error);
	if (code === undefined) return 'unknown';
	if (code === 'UND_ERR_ABORTED') return TUNNEL_REFUSED.test(error.message) ? 'notSent' : 'unknown';
	if (BEFORE_CONNECT.has(code) || CERTIFICATE.test(code) || HANDSHAKE.test(code)) return 'notSent';
	if (syscall === 'connect' || syscall === 'getaddrinfo') return 'notSent';
	// Node names the host only in the reset it reports before the TLS handshake is complete.
	return code === 'ECONNRESET' && syscall === undefined && host !== undefined ? 'notSent' : 'unknown';
}

function errorFields(error: Error): { code?: string; syscall?: string; host?: string } {
	const field = (name: string): string | undefined => {
		const value: unknown = Reflect.get(error, name);
		return typeof value === 'string' ? value : undefined;
	};
	const [code, syscall, host] = [field('code'), field('syscall'), field('host')];
	return { ...(code && { code }), ...(syscall && { syscall }), ...(host && { host }) };
}
