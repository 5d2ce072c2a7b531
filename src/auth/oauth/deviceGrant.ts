/** Device authorization (RFC 8628): a code for the person, and patient asking until it was used. */
import type { AuthorizationServer } from 'oauth4webapi';
import * as oauth from 'oauth4webapi';
import { delay } from '../clock.ts';
import type { OAuthCredential } from '../credential.ts';
import { AuthError } from '../errors.ts';
import { describeError } from '../log.ts';
import type { OAuthProvider } from '../provider.ts';
import { isOnThisMachine, judgeUrl } from '../secureUrl.ts';
import type { Answer } from './answer.ts';
import { jsonResponse, readAnswer, requireJson } from './answer.ts';
import { resourceParameter } from './codeGrant.ts';
import { credentialOf } from './credentialOf.ts';
import type { OAuthDeps } from './deps.ts';
import { toOAuthError, withinRequest } from './failures.ts';
import type { Refusal } from './refusal.ts';
import { refusalError, refusalOf } from './refusal.ts';
import { clientOf, readTokens } from './tokenAnswer.ts';
import { wire } from './wire.ts';

/** RFC 8628 section 3.2. */
const DEFAULT_INTERVAL_MS = 5000;

/** A server that names less is not hammered. */
const MIN_INTERVAL_MS = 1000;

/** RFC 8628 section 3.5: "MUST be increased by 5 seconds for this and all subsequent requests". */
const SLOW_DOWN_MS = 5000;

/** Doubling after lost connections ends here, so that a person who approved does not wait for minutes. */
const MAX_BACK_OFF_MS = 60_000;

/** For servers that leave out `expires_in`, although it is required, and against absurd ones. */
const DEFAULT_LIFE_S = 600;
const MAX_LIFE_S = 3600;

/** RFC 8628 section 6.1: short and easy to type. Nothing that could pass for text of ours, or hide some. */
const USER_CODE = /^[\p{L}\p{N}\p{Pd} ._]{1,64}$/u;

export type DeviceRequest = {
	readonly userCode: string;
	readonly verificationUri: string;
	/** With the code in it if the server offers that, else the same as `verificationUri`. */
	readonly url: string;
	readonly expiresAtMs: number;
	readonly scopes: readonly string[];
	readonly deviceCode: string;
	readonly intervalMs: number;
	/** By the monotonic clock: what the waiting goes by. */
	readonly endsAtMonotonicMs: number;
};

/** @throws AuthError `transient`, `configuration`, `denied`, `protocol`, or the signal's reason. */
export function startDeviceGrant(
	provider: OAuthProvider,
	server: AuthorizationServer,
	scopes: readonly string[],
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<DeviceRequest> {
	return withinRequest(deps.clock, signal, provider.id, async (request) => {
		const parameters = new URLSearchParams(resourceParameter(provider));
		if (scopes.length > 0) parameters.set('scope', scopes.join(' '));
		const answer = await readAnswer(
			await oauth.deviceAuthorizationRequest(server, clientOf(provider), oauth.None(), parameters, wire(deps, request)),
			deps,
		);
		const refusal = refusalOf(answer);
		if (refusal !== undefined) throw refusalError(refusal, provider.id);
		return readDeviceRequest(provider, server, scopes, answer, deps);
	});
}

async function readDeviceRequest(
	provider: OAuthProvider,
	server: AuthorizationServer,
	scopes: readonly string[],
	answer: Answer,
	deps: OAuthDeps,
): Promise<DeviceRequest> {
	const json = requireJson(answer);
	const lifeS = Math.min(positive(json.expires_in) ?? DEFAULT_LIFE_S, MAX_LIFE_S);
	const { interval, ...rest } = json;
	const checked = jsonResponse({ ...rest, expires_in: lifeS });
	const response = await oauth.processDeviceAuthorizationResponse(server, clientOf(provider), checked);
	const complete = response.verification_uri_complete ?? response.verification_uri;
	// Both are handed to the system's browser opener.
	if (![response.verification_uri, complete].every((address) => mayBeOpened(address, server))) {
		throw new AuthError('protocol', 'the verification address is not https', { detail: { provider: provider.id } });
	}
	if (!USER_CODE.test(response.user_code)) {
		throw new AuthError('protocol', 'the code cannot be typed', { detail: { provider: provider.id } });
	}
	return {
		userCode: response.user_code,
		verificationUri: response.verification_uri,
		url: complete,
		expiresAtMs: answer.receivedAtMs + lifeS * 1000,
		scopes,
		deviceCode: response.device_code,
		intervalMs: Math.max((positive(interval) ?? 0) * 1000 || DEFAULT_INTERVAL_MS, MIN_INTERVAL_MS),
		endsAtMonotonicMs: deps.clock.monotonic() + lifeS * 1000,
	};
}

/** https, and on this machine only if the service itself is: a page elsewhere must not reach local programs through us. */
function mayBeOpened(address: string, server: AuthorizationServer): boolean {
	const { device_authorization_endpoint: endpoint } = server;
	const isLocal = endpoint !== undefined && isOnThisMachine(endpoint);
	return judgeUrl(address) === 'secure' && (isLocal || !isOnThisMachine(address));
}

function positive(value: unknown): number | undefined {
	const number = typeof value === 'string' ? Number.parseFloat(value) : value;
	return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined;
}

/**
 * Asks until the person has decided.
 * @param onAnswered called when the tokens are there, before the account is looked up.
 * @throws AuthError `denied`, `timeout` (the code has expired; a new one only at the person's wish, RFC 8628 section
 * 3.5), `transient` (the answer with the tokens was lost, and with it the code), `configuration`, `protocol`, or the signal's
 * reason. A lost connection or a 5xx only slows the asking down.
 */
export async function pollDeviceGrant(
	provider: OAuthProvider,
	server: AuthorizationServer,
	request: DeviceRequest,
	deps: OAuthDeps,
	signal: AbortSignal,
	onAnswered: () => void,
): Promise<OAuthCredential> {
	let intervalMs = request.intervalMs;
	let backOffMs = 0;
	// A poll whose answer never came may have been the one that was answered with the tokens: a code works once.
	let mayBeSpent = false;
	for (;;) {
		const leftMs = request.endsAtMonotonicMs - deps.clock.monotonic();
		await delay(deps.clock, Math.min(Math.max(intervalMs, backOffMs), Math.max(0, leftMs)), signal);
		if (deps.clock.monotonic() >= request.endsAtMonotonicMs) throw expired(provider.id);
		const poll = await pollOnce(provider, server, request, deps, signal);
		if (poll.kind === 'lost') {
			mayBeSpent = true;
			backOffMs = Math.min(Math.max(backOffMs, intervalMs) * 2, Math.max(MAX_BACK_OFF_MS, intervalMs));
			deps.log.warn(`${provider.id}: poll failed, next one in ${backOffMs} ms: ${poll.why}`);
			continue;
		}
		backOffMs = 0;
		if (poll.kind === 'tokens') {
			onAnswered();
			return credentialOf(provider, server, poll.tokens, request.scopes, deps, signal);
		}
		if (mayBeSpent && poll.refusal.kind === 'rejected') throw spent(provider.id);
		mayBeSpent = false;
		if (poll.refusal.serverError === 'authorization_pending') continue;
		if (poll.refusal.serverError !== 'slow_down') {
			throw poll.refusal.serverError === 'expired_token'
				? expired(provider.id, poll.refusal)
				: refusalError(poll.refusal, provider.id);
		}
		intervalMs += SLOW_DOWN_MS;
	}
}

type Poll =
	| { readonly kind: 'tokens'; readonly tokens: Awaited<ReturnType<typeof readTokens>> }
	| { readonly kind: 'refused'; readonly refusal: Refusal }
	| { readonly kind: 'lost'; readonly why: string };

async function pollOnce(
	provider: OAuthProvider,
	server: AuthorizationServer,
	request: DeviceRequest,
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<Poll> {
	let answer: Answer;
	try {
		answer = await withinRequest(deps.clock, signal, provider.id, async (poll) =>
			readAnswer(
				await oauth.deviceCodeGrantRequest(server, clientOf(provider), oauth.None(), request.deviceCode, {
					...wire(deps, poll),
					additionalParameters: resourceParameter(provider),
				}),
				deps,
			),
		);
	} catch (error) {
		if (signal.aborted) throw error;
		const failure = toOAuthError(error, provider.id);
		if (failure.code !== 'transient') throw failure;
		return { kind: 'lost', why: describeError(failure) };
	}
	const refusal = refusalOf(answer);
	if (refusal === undefined) {
		const tokens = await readTokens(provider, server, answer, oauth.processDeviceCodeResponse).catch(
			(error: unknown) => {
				throw toOAuthError(error, provider.id);
			},
		);
		return { kind: 'tokens', tokens };
	}
	if (refusal.serverError === 'slow_down') return { kind: 'refused', refusal };
	if (refusal.kind === 'transient' || refusal.kind === 'unknown')
		return { kind: 'lost', why: `status ${refusal.status}` };
	return { kind: 'refused', refusal };
}

/** Nobody refused anything: a new code helps. */
function spent(providerId: string): AuthError {
	return new AuthError('transient', 'the answer with the tokens was lost', { detail: { provider: providerId } });
}

function expired(providerId: string, refusal?: Refusal): AuthError {
	return new AuthError('timeout', 'the device code has expired', {
		detail: { provider: providerId, ...(refusal?.serverError && { serverError: refusal.serverError }) },
	});
}
