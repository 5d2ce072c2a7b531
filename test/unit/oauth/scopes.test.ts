/** What a sign-in asks for, and what it was given. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grantedScopes, scopesToAsk } from '../../../src/auth/oauth/scopes.ts';
import { oauth2Provider, oidcProvider } from '../../support/oauthFixtures.ts';

const BASE = 'https://e.example';
const knowing = { issuer: BASE, scopes_supported: ['openid', 'offline_access'] };
const silent = { issuer: BASE };

describe('the scopes of a sign-in', () => {
	it('are those of the caller, else those of the settings', () => {
		assert.deepEqual(scopesToAsk(oauth2Provider(BASE), silent, ['x', 'x']), ['x']);
		assert.deepEqual(scopesToAsk(oauth2Provider(BASE), silent, []), ['api']);
	});

	it('ask an OpenID provider who signs in, and for offline access where it knows that', () => {
		assert.deepEqual(scopesToAsk(oidcProvider(BASE), knowing, ['x']), ['x', 'openid', 'offline_access']);
		assert.deepEqual(scopesToAsk(oidcProvider(BASE), silent, ['x']), ['x', 'openid']);
		assert.deepEqual(scopesToAsk(oauth2Provider(BASE), knowing, ['x']), ['x']);
	});

	it('are granted as asked unless the answer says otherwise', () => {
		assert.deepEqual(grantedScopes('a  b a', ['x']), ['a', 'b']);
		for (const nothing of [undefined, 7, '', ' ']) assert.deepEqual(grantedScopes(nothing, ['x']), ['x']);
	});
});
