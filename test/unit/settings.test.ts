import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseProviders } from '../../src/auth/settings.ts';
import { validate } from '../support/jsonSchema.ts';

const oidc = { type: 'oidc', issuer: 'https://login.example.com', clientId: 'me' };
const oauth2 = {
	type: 'oauth2',
	authorizationEndpoint: 'https://example.com/authorize',
	tokenEndpoint: 'https://example.com/token',
	clientId: 'me',
};

/** Name, entry, and `field code` of every problem; none means that the entry is good. */
const table: readonly [name: string, entry: unknown, ...problems: string[]][] = [
	['the least of OpenID Connect', oidc],
	[
		'all of OpenID Connect',
		{
			...oidc,
			label: 'L',
			scopes: ['openid', 'a:b/c'],
			resource: 'urn:api',
			redirectPort: 8765,
			redirectPath: '/oauth2/acme.app',
			prompt: 'login',
		},
	],
	['an issuer with a path', { ...oidc, issuer: 'https://login.example.com/realms/x' }],
	['the least of OAuth 2.0', oauth2],
	[
		'a device endpoint alone',
		{
			type: 'oauth2',
			deviceAuthorizationEndpoint: 'https://e.com/d',
			tokenEndpoint: 'https://e.com/t',
			clientId: 'me',
		},
	],
	[
		'all endpoints',
		{
			...oauth2,
			issuer: 'https://e.com',
			deviceAuthorizationEndpoint: 'https://e.com/d',
			revocationEndpoint: 'https://e.com/r',
			userinfoEndpoint: 'https://e.com/u?x=1',
		},
	],
	['an API key', { type: 'apiKey', label: 'Key' }],
	[
		'variables of exec and hosts of git',
		{ type: 'apiKey', environment: { OPENAI_API_KEY: 'token', _b2: 'header' }, gitHosts: ['git.example.com:8443'] },
	],
	[
		'a variable that changes how programs start',
		{ type: 'apiKey', environment: { LD_PRELOAD: 'token' } },
		'environment.LD_PRELOAD value',
	],
	['a text for a variable', { ...oidc, environment: { KEY: 'sk-123' } }, 'environment.KEY value'],
	['an address for a host of git', { ...oidc, gitHosts: ['https://git.example.com'] }, 'gitHosts.0 value'],
	['http on 127.0.0.1', { ...oidc, issuer: 'http://127.0.0.1:3000' }],
	['http on [::1]', { ...oidc, issuer: 'http://[::1]:3000/x' }],
	['http on localhost', { ...oidc, issuer: 'http://localhost' }],
	['http elsewhere', { ...oidc, issuer: 'http://login.example.com' }, 'issuer insecureUrl'],
	['http on a look-alike of localhost', { ...oidc, issuer: 'http://localhost.example.com' }, 'issuer insecureUrl'],
	['http on a look-alike of 127.0.0.1', { ...oidc, issuer: 'http://127.0.0.1.example.com' }, 'issuer insecureUrl'],
	['another scheme', { ...oidc, issuer: 'file:///etc/passwd' }, 'issuer url'],
	['no address', { ...oidc, issuer: 'login.example.com' }, 'issuer url'],
	['an issuer with a query', { ...oidc, issuer: 'https://login.example.com/?a=b' }, 'issuer url'],
	['an issuer with a fragment', { ...oidc, issuer: 'https://login.example.com/#x' }, 'issuer url'],
	['a password in an address', { ...oidc, issuer: 'https://me:secret@login.example.com' }, 'issuer url'],
	['no issuer', { type: 'oidc', clientId: 'me' }, 'issuer missing'],
	['no client id', { type: 'oidc', issuer: 'https://login.example.com' }, 'clientId missing'],
	['a blank client id', { ...oidc, clientId: '  ' }, 'clientId value'],
	['a number for a client id', { ...oidc, clientId: 7 }, 'clientId value'],
	['a blank label', { ...oidc, label: ' ' }, 'label value'],
	['scopes in one string', { ...oidc, scopes: 'openid email' }, 'scopes value'],
	['a scope with a space', { ...oidc, scopes: ['openid', 'a b'] }, 'scopes.1 value'],
	['a resource that is not absolute', { ...oidc, resource: 'api' }, 'resource url'],
	['a resource with a fragment', { ...oidc, resource: 'https://api.example.com/#x' }, 'resource url'],
	['a privileged port', { ...oidc, redirectPort: 80 }, 'redirectPort value'],
	['a port that is none', { ...oidc, redirectPort: 65_536 }, 'redirectPort value'],
	['half a port', { ...oidc, redirectPort: 8080.5 }, 'redirectPort value'],
	['a redirect path without a slash', { ...oidc, redirectPath: 'callback' }, 'redirectPath value'],
	['a redirect path that leads upwards', { ...oidc, redirectPath: '/a/../callback' }, 'redirectPath value'],
	['an empty step in a redirect path', { ...oidc, redirectPath: '//callback' }, 'redirectPath value'],
	['a query in a redirect path', { ...oidc, redirectPath: '/callback?a=b' }, 'redirectPath value'],
	['an endless redirect path', { ...oidc, redirectPath: `/${'a'.repeat(200)}` }, 'redirectPath value'],
	['a number for a redirect path', { ...oidc, redirectPath: 7 }, 'redirectPath value'],
	['an unknown prompt', { ...oidc, prompt: 'none' }, 'prompt value'],
	['an unknown field', { ...oidc, scope: 'openid' }, 'scope unknownField'],
	['a field of another type', { ...oidc, tokenEndpoint: 'https://e.com/t' }, 'tokenEndpoint unknownField'],
	['a client id of an API key', { type: 'apiKey', clientId: 'me' }, 'clientId unknownField'],
	['a secret', { ...oidc, clientSecret: 's' }, 'clientSecret unknownField'],
	['no token endpoint', { ...oauth2, tokenEndpoint: undefined }, 'tokenEndpoint missing'],
	[
		'no way to sign in',
		{ type: 'oauth2', tokenEndpoint: 'https://e.com/t', clientId: 'me' },
		'authorizationEndpoint noEndpoint',
	],
	['an insecure endpoint', { ...oauth2, revocationEndpoint: 'http://e.com/r' }, 'revocationEndpoint insecureUrl'],
	['no type', { issuer: 'https://login.example.com', clientId: 'me' }, 'type missing'],
	['an unknown type', { ...oidc, type: 'saml' }, 'type type'],
	['text for an entry', 'oidc', ' value'],
	['null for an entry', null, ' value'],
	['a list for an entry', [], ' value'],
	['two mistakes', { type: 'oidc', issuer: 'http://e.com', clientId: '' }, 'issuer insecureUrl', 'clientId value'],
];

describe('providers from the settings', () => {
	for (const [name, entry, ...expected] of table) {
		it(`${name}: ${expected.length === 0 ? 'taken' : `named as ${expected.join(', ')}`}, beside a good entry`, () => {
			const { providers, problems } = parseProviders({ acme: entry, good: oidc });
			assert.deepEqual(problems.map(({ field, code }) => `${field} ${code}`).sort(), [...expected].sort());
			assert.ok(problems.every((problem) => problem.entry === 'acme' && problem.text.startsWith('acme')));
			assert.ok(providers.some(({ id }) => id === 'good'));
			const usable = expected.every((problem) => problem.endsWith('unknownField'));
			assert.equal(
				providers.some(({ id }) => id === 'acme'),
				usable,
			);
		});
	}

	for (const id of ['a', 'my-service-2', '0', 'x'.repeat(40)]) {
		it(`takes the id ${id}`, () => assert.equal(parseProviders({ [id]: oidc }).providers[0]?.id, id));
	}
	for (const id of ['', 'A', '-a', 'a_b', 'a.b', 'a b', 'x'.repeat(41), 'ä', 'constructor/..']) {
		it(`refuses the id "${id}"`, () => {
			assert.deepEqual(
				parseProviders({ [id]: oidc }).problems.map(({ code }) => code),
				['id'],
			);
		});
	}

	for (const value of [undefined, null, {}]) {
		it(`${JSON.stringify(value)} is no providers and no problem`, () => {
			assert.deepEqual(parseProviders(value), { providers: [], problems: [] });
		});
	}
	for (const value of [[], 'x', 7, true]) {
		it(`${JSON.stringify(value)} as the whole setting is a problem`, () => {
			assert.deepEqual(
				parseProviders(value).problems.map(({ code }) => code),
				['shape'],
			);
		});
	}

	it('fills in label, scopes and issuer', () => {
		const { providers } = parseProviders({ one: oidc, two: { ...oauth2, scopes: ['b', 'a', 'b'] } });
		assert.deepEqual(providers[0], {
			id: 'one',
			label: 'one',
			kind: 'oidc',
			issuer: 'https://login.example.com',
			client: { clientId: 'me', scopes: ['openid', 'profile', 'email'] },
		});
		assert.deepEqual(providers[1], {
			id: 'two',
			label: 'two',
			kind: 'oauth2',
			endpoints: {
				issuer: 'https://example.com',
				issuerIsDerived: true,
				authorizationEndpoint: 'https://example.com/authorize',
				tokenEndpoint: 'https://example.com/token',
			},
			client: { clientId: 'me', scopes: ['b', 'a'] },
		});
	});

	it('takes commands as argument vectors, and names what is none', () => {
		const { providers, problems } = parseProviders({
			acme: { ...oidc, commands: { work: { command: ['pass', 'show', 'work'] } } },
			bad: { ...oidc, commands: { work: 'pass show work' } },
		});
		assert.deepEqual(
			providers.map(({ id, commands }) => [id, commands?.work?.command, commands?.work?.args]),
			[['acme', 'pass', ['show', 'work']]],
		);
		assert.deepEqual(
			problems.map(({ entry, field, code }) => [entry, field, code]),
			[['bad', 'commands.work', 'value']],
		);
	});

	it('never repeats a value in a problem', () => {
		const { problems } = parseProviders({ acme: { ...oidc, issuer: 'https://me:hunter2@x', clientSecret: 'hunter2' } });
		assert.ok(problems.length > 0);
		assert.ok(!JSON.stringify(problems).includes('hunter2'));
	});
});

describe('the schema in package.json', () => {
	const schema = providersSchema();

	for (const [name, entry, ...expected] of table) {
		const raw: unknown = entry === undefined ? undefined : JSON.parse(JSON.stringify(entry));
		it(`${expected.length === 0 ? 'accepts' : 'underlines'} ${name}, as the parser does`, () => {
			const found = validate(schema, { acme: raw });
			assert.equal(found.length === 0, expected.length === 0, found.join('; '));
		});
	}

	it("has the parser's idea of ids", () => {
		assert.deepEqual(validate(schema, { 'my-service-2': oidc }), []);
		assert.notDeepEqual(validate(schema, { Bad_Id: oidc }), []);
	});
});

function providersSchema(): unknown {
	const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
	const found = find(manifest, 'agentAuth.providers');
	assert.ok(found !== undefined, 'package.json contributes agentAuth.providers');
	return found;
}

/** `contributes.configuration` may be one section or a list of them. */
function find(value: unknown, key: string): unknown {
	if (typeof value !== 'object' || value === null) return undefined;
	for (const [name, inner] of Object.entries(value)) {
		const found = name === key ? inner : find(inner, key);
		if (found !== undefined) return found;
	}
	return undefined;
}
