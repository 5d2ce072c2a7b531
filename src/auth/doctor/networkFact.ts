/** Why a service could not be reached, from the codes of Node, of undici and of Chromium. */
import { isAuthError } from '../errors.ts';
import type { Fact } from './finding.ts';

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|HOSTNAME_MISMATCH|INVALID_CA|ERR_SSL/;
const PROXY_GONE = /PROXY_CONNECTION_FAILED/;
/** undici says that a tunnel was aborted when the proxy refused it; a request that we abort ends with our own reason. */
const PROXY = /PROXY|TUNNEL|UND_ERR_PRX|UND_ERR_ABORTED/;
const NAME = /ENOTFOUND|EAI_|NAME_NOT_RESOLVED|NAME_RESOLUTION/;
const TIMEOUT = /TIMEOUT|TIMED_OUT|ETIMEDOUT/;

/** Causes beyond this say nothing more. */
const MAX_DEPTH = 6;

/** @param timedOut the examination itself gave up. */
export function networkFact(error: unknown, timedOut: boolean): Fact {
	const words = wordsOf(error);
	if (CERTIFICATE.test(words)) return 'certificate';
	if (PROXY_GONE.test(words)) return 'proxyGone';
	if (PROXY.test(words)) return 'proxy';
	if (NAME.test(words)) return 'noName';
	if (timedOut || TIMEOUT.test(words)) return 'timeout';
	if (isAuthError(error, 'configuration') || isAuthError(error, 'protocol')) return 'wrongAnswer';
	if (isAuthError(error) && error.detail.status !== undefined) return 'serverError';
	return 'noConnection';
}

/** Codes, and of Chromium's errors, which have none, the message's own code. */
function wordsOf(error: unknown, depth = 0): string {
	if (!(error instanceof Error) || depth > MAX_DEPTH) return '';
	const code: unknown = Reflect.get(error, 'code');
	const chromium = /net::(ERR_[A-Z_]+)/.exec(error.message)?.[1] ?? '';
	const inner = error instanceof AggregateError ? error.errors.map((one) => wordsOf(one, depth + 1)).join(' ') : '';
	return [typeof code === 'string' ? code : '', chromium, inner, wordsOf(error.cause, depth + 1)].join(' ');
}
