/** The smallest honest client, for the tests of the demo services. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { CLIENT_ID, SCOPES } from '../../server/client.ts';
import type { PersonId } from '../../server/people.ts';
import { signInByHttp } from '../../support/signInByHttp.ts';

type Service = { readonly issuer: string };

/** Nothing listens there; the code is read from the address. */
export const REDIRECT_URI = 'http://127.0.0.1:49152/callback';

export function authorizeUrl(service: Service, changes: Readonly<Record<string, string>> = {}) {
	const verifier = randomBytes(32).toString('base64url');
	const url = new URL(`${service.issuer}/auth`);
	const parameters = {
		client_id: CLIENT_ID,
		response_type: 'code',
		redirect_uri: REDIRECT_URI,
		scope: SCOPES.join(' '),
		state: 'the-state',
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
		code_challenge_method: 'S256',
		...changes,
	};
	for (const [name, value] of Object.entries(parameters)) if (value !== '') url.searchParams.set(name, value);
	return { url: url.href, verifier };
}

export function post(service: Service, path: string, form: Readonly<Record<string, string>>): Promise<Response> {
	return fetch(`${service.issuer}/${path}`, {
		method: 'POST',
		body: new URLSearchParams({ client_id: CLIENT_ID, ...form }),
	});
}

export async function signIn(service: Service, person: PersonId) {
	const { url, verifier } = authorizeUrl(service);
	const { redirectUrl } = await signInByHttp(url, person, { deliver: false });
	const redirect = new URL(redirectUrl);
	const response = await post(service, 'token', {
		grant_type: 'authorization_code',
		code: text(redirect.searchParams.get('code')),
		redirect_uri: REDIRECT_URI,
		code_verifier: verifier,
	});
	return { redirect, verifier, answer: object(await response.json()) };
}

export function refresh(service: Service, refreshToken: string): Promise<Response> {
	return post(service, 'token', { grant_type: 'refresh_token', refresh_token: refreshToken });
}

export function object(value: unknown): Readonly<Record<string, unknown>> {
	assert.ok(typeof value === 'object' && value !== null);
	return { ...value };
}

export function text(value: unknown): string {
	assert.equal(typeof value, 'string');
	return String(value);
}
