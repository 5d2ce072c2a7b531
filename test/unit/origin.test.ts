/** What is sent where, by the binding that is sealed with a credential. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OAuthCredential, Origin } from '../../src/auth/credential.ts';
import { isAuthError } from '../../src/auth/errors.ts';
import { refresh } from '../../src/auth/oauth/refreshGrant.ts';
import { revoke } from '../../src/auth/oauth/revocation.ts';
import type { OAuthProvider } from '../../src/auth/provider.ts';
import { answering, credentialOf, oauth2Provider, oidcProvider, testDeps } from '../support/oauthFixtures.ts';

const A = 'https://a.example';
const B = 'https://b.example';
const never = new AbortController().signal;
const bound = (changes: Partial<Origin> = {}): OAuthCredential =>
	credentialOf(A, { origin: { issuer: A, clientId: 'client', token: A, ...changes } });

function revokingAt(revocationEndpoint: string): OAuthProvider {
	const provider = oauth2Provider(A);
	assert.ok(provider.kind === 'oauth2');
	return { ...provider, endpoints: { ...provider.endpoints, revocationEndpoint } };
}

describe('the binding of a credential', () => {
	it('keeps everything from a service that the settings name instead, its discovery included', async () => {
		for (const provider of [oidcProvider(B, 'client'), oauth2Provider(B)]) {
			const fetch = answering(200, { access_token: 'stolen' });
			for (const credential of [bound(), credentialOf(A)]) {
				const outcome = await refresh(provider, credential, testDeps({ fetch }), never);
				assert.ok(outcome.kind === 'notSent' && isAuthError(outcome.cause, 'service_changed'));
				const revoked = await revoke(provider, credential, testDeps({ fetch }), never);
				assert.deepEqual(revoked, { kind: 'failed', code: 'service_changed' });
			}
			assert.deepEqual(fetch.requests, []);
		}
	});

	it('takes an issuer with and without a slash at its end for the same', async () => {
		const fetch = answering(200, { access_token: 'new' });
		const outcome = await refresh(oauth2Provider(A), bound({ issuer: `${A}/` }), testDeps({ fetch }), never);
		assert.equal(outcome.kind, 'answered');
	});

	it('is not widened by a renewal: a revocation endpoint that came later is not sealed', async () => {
		const fetch = answering(200, { access_token: 'new', refresh_token: 'next' });
		const outcome = await refresh(revokingAt(`${B}/revoke`), bound(), testDeps({ fetch }), never);
		assert.ok(outcome.kind === 'answered');
		assert.deepEqual(outcome.credential.origin, bound().origin);
	});

	it('is completed by the first renewal where only the issuer was known', async () => {
		const fetch = answering(200, { access_token: 'new' });
		const older = credentialOf(A, { origin: { issuer: A, clientId: 'client' } });
		const outcome = await refresh(revokingAt(`${A}/revoke`), older, testDeps({ fetch }), never);
		assert.ok(outcome.kind === 'answered');
		assert.deepEqual(outcome.credential.origin, { issuer: A, clientId: 'client', token: A, revocation: A });
	});

	it('lets a revocation endpoint that came later be used beside the token endpoint or the issuer, and nowhere else', async () => {
		const outcomeAt = async (endpoint: string, credential: OAuthCredential) => {
			const fetch = answering(200, '');
			const outcome = await revoke(revokingAt(endpoint), credential, testDeps({ fetch }), never);
			return [outcome.kind, fetch.requests.length];
		};
		assert.deepEqual(await outcomeAt(`${A}/revoke`, bound()), ['done', 2]);
		assert.deepEqual(await outcomeAt(`${B}/revoke`, bound()), ['failed', 0]);
		assert.deepEqual(await outcomeAt(`${B}/revoke`, bound({ revocation: B })), ['done', 2]);
		assert.deepEqual(await outcomeAt(`${A}/revoke`, bound({ revocation: B })), ['failed', 0]);
	});
});
