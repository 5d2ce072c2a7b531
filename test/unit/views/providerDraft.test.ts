import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseProviders } from '../../../src/auth/settings.ts';
import { draftEntry, idFor, problemOf } from '../../../src/views/providers/providerDraft.ts';

describe('a provider that is being added', () => {
	it('gets an id from its name', () => {
		assert.equal(idFor('Acme Größe (EU)'), 'acme-gro-e-eu');
		assert.equal(idFor('  42 '), '42');
		assert.equal(idFor('日本'), '');
		assert.ok(idFor('x'.repeat(100)).length <= 40);
	});

	it('is checked by the rules of the settings, one answer at a time', () => {
		assert.equal(problemOf('oidc', 'acme', 'issuer', { issuer: 'https://login.example.com' }), undefined);
		assert.equal(problemOf('oidc', 'acme', 'issuer', { issuer: 'login.example.com' }), 'url');
		assert.equal(problemOf('oidc', 'acme', 'issuer', { issuer: 'http://login.example.com' }), 'insecureUrl');
		assert.equal(problemOf('oidc', 'acme', 'issuer', { issuer: ' ' }), 'missing');
		assert.equal(problemOf('oidc', 'acme', 'clientId', { issuer: 'https://a.example', clientId: '' }), 'missing');
		assert.equal(problemOf('oidc', 'acme', 'scopes', { scopes: 'openid  api' }), undefined);
		assert.equal(problemOf('oidc', 'acme', 'scopes', { scopes: 'bad"scope' }), 'value');
	});

	it('needs at least one endpoint for signing in', () => {
		const field = 'deviceAuthorizationEndpoint';
		assert.equal(problemOf('oauth2', 'acme', field, { deviceAuthorizationEndpoint: '' }), 'noEndpoint');
		assert.equal(problemOf('oauth2', 'acme', field, { authorizationEndpoint: 'https://a.example/x' }), undefined);
	});

	it('becomes an entry that the settings accept, without what was left blank', () => {
		const entry = draftEntry('oidc', 'Acme', { issuer: ' https://a.example ', clientId: 'c', scopes: '' });
		assert.deepEqual(entry, { type: 'oidc', label: 'Acme', issuer: 'https://a.example', clientId: 'c' });
		assert.deepEqual(parseProviders({ acme: entry }).problems, []);
		const other = draftEntry('oauth2', 'B', {
			tokenEndpoint: 'https://b.example/token',
			deviceAuthorizationEndpoint: 'https://b.example/device',
			clientId: 'c',
			scopes: 'a, b',
		});
		assert.deepEqual(other.scopes, ['a', 'b']);
		assert.deepEqual(parseProviders({ b: other, c: draftEntry('apiKey', 'C', {}) }).problems, []);
	});
});
