/** The page of a service that signs a person out of everything. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAuthError } from '../../../src/auth/errors.ts';
import { endSessionAddress } from '../../../src/auth/oauth/endSession.ts';
import { startServer } from '../../server/server.ts';
import { answering, oauth2Provider, oidcProvider, testDeps } from '../../support/oauthFixtures.ts';

const never = new AbortController().signal;

describe('the address that ends the session at the service', () => {
	it('names the client and neither the person nor a token', async () => {
		const server = await startServer();
		try {
			const address = new URL(
				(await endSessionAddress(oidcProvider(server.issuer), testDeps(), never)) ?? assert.fail('no address'),
			);
			assert.equal(address.origin, new URL(server.issuer).origin);
			assert.deepEqual([...address.searchParams], [['client_id', 'agent-auth-demo']]);
		} finally {
			await server.close();
		}
	});

	it('is none where the service offers none, or nobody signs in', async () => {
		assert.equal(await endSessionAddress(oauth2Provider('https://e.example'), testDeps(), never), undefined);
		const keys = { id: 'k', label: 'K', kind: 'apiKey' } as const;
		assert.equal(await endSessionAddress(keys, testDeps(), never), undefined);
	});

	it('is an error where the service cannot be asked, not "none"', async () => {
		const deps = testDeps({ fetch: answering(503, '') });
		await assert.rejects(endSessionAddress(oidcProvider('https://e.example'), deps, never), (error) =>
			isAuthError(error, 'transient'),
		);
	});
});
