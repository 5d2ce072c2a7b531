import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { credentialSchema, isFresh } from '../../src/auth/credential.ts';

const oauth = {
	kind: 'oauth',
	accessToken: ' access ',
	refreshToken: ' refresh\n',
	expiresAtMs: 100_000,
	scopes: [],
	obtainedAtMs: 0,
	identity: { issuer: 'i', subject: ' ', email: ' ada@example.test ' },
};

describe('a credential', () => {
	it('is read without the blanks around it, and what is blank is absent', () => {
		const { identity, ...credential } = v.parse(credentialSchema, oauth);
		assert.equal(credential.accessToken, 'access');
		assert.deepEqual([identity.subject, identity.email], [undefined, 'ada@example.test']);
		assert.ok(credential.kind === 'oauth' && credential.refreshToken === 'refresh');
		const blank = v.parse(credentialSchema, { ...oauth, refreshToken: ' \t' });
		assert.ok(blank.kind === 'oauth' && blank.refreshToken === undefined);
		assert.equal(v.safeParse(credentialSchema, { ...oauth, accessToken: ' ' }).success, false);
	});

	it('that is a key, or whose end nobody named, is fresh until a service refuses it', () => {
		const { accessToken, scopes, obtainedAtMs, identity } = oauth;
		const key = v.parse(credentialSchema, { kind: 'apiKey', accessToken, scopes, obtainedAtMs, identity });
		const { expiresAtMs: _none, ...endless } = oauth;
		for (const credential of [key, v.parse(credentialSchema, endless)]) {
			assert.equal(isFresh(credential, 0), true);
			assert.equal(isFresh(credential, Number.MAX_SAFE_INTEGER, 3_600_000), true);
		}
		assert.equal(isFresh(v.parse(credentialSchema, oauth), 74_999), true);
		assert.equal(isFresh(v.parse(credentialSchema, oauth), 75_000), false);
	});
});
