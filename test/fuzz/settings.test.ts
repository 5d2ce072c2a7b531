/** Settings and the organisation's file: whatever is in them, the start goes on, and no bad address comes out. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { managedProvidersPath, mergeProviders, readManagedProviders } from '../../src/auth/managedProviders.ts';
import type { Provider } from '../../src/auth/provider.ts';
import { judgeUrl } from '../../src/auth/secureUrl.ts';
import { type ParsedProviders, parseProviders } from '../../src/auth/settings.ts';
import { damage, damaged, fuzz } from '../support/fuzz.ts';
import { tempFolder } from '../support/tempFolder.ts';

const GOOD = {
	acme: { type: 'oidc', label: 'Acme', issuer: 'https://login.example.com/t', clientId: 'me', scopes: ['openid', 'a'] },
	forge: {
		type: 'oauth2',
		issuer: 'https://forge.example.com',
		authorizationEndpoint: 'https://forge.example.com/authorize',
		tokenEndpoint: 'https://forge.example.com/token',
		deviceAuthorizationEndpoint: 'https://forge.example.com/device',
		revocationEndpoint: 'https://forge.example.com/revoke',
		userinfoEndpoint: 'https://forge.example.com/user',
		clientId: 'me',
		resource: 'urn:x',
		redirectPort: 8080,
		redirectPath: '/auth/callback',
		prompt: 'login',
	},
	keys: { type: 'apiKey', label: 'Keys' },
};

const address = fc.oneof(
	fc.webUrl({ withFragments: true, withQueryParameters: true }),
	fc.constantFrom(
		'file:///etc/passwd',
		'javascript:alert(1)',
		'http://127.0.0.1.evil.example/',
		'http://0x7f.1/',
		'https://a:b@c.example/',
		'http:\\\\evil.example\\',
		' https://x.example ',
		'https://x.example/\n',
		'https://',
		'//x.example',
		'data:text/html,x',
		'http://localhost.',
		'HTTP://LOCALHOST/',
		'https://xn--/',
	),
	fc.string({ unit: 'binary' }),
);

function addressesOf(provider: Provider): readonly string[] {
	if (provider.kind === 'oidc') return [provider.issuer];
	if (provider.kind !== 'oauth2') return [];
	return Object.entries(provider.endpoints).flatMap(([name, value]) =>
		name !== 'issuer' && typeof value === 'string' ? [value] : [],
	);
}

function check({ providers, problems }: ParsedProviders): void {
	const ids = new Set(providers.map(({ id }) => id));
	assert.equal(ids.size, providers.length);
	for (const provider of providers) {
		// An id is a key of objects and a part of file names.
		assert.match(provider.id, /^[a-z0-9][a-z0-9-]{0,39}$/);
		assert.ok(!(provider.id in {}), provider.id);
		for (const one of addressesOf(provider)) assert.equal(judgeUrl(one), 'secure', one);
	}
	for (const problem of problems) assert.ok(problem.text !== '');
}

test('damaged settings never stop the good ones', async () => {
	await fuzz(
		'settings',
		fc.tuple(damage, fc.constantFrom('acme', 'forge', 'keys')),
		{ cases: 600 },
		([what, id], tally) => {
			if (what.kind !== 'none') tally.fault();
			let entry: unknown;
			try {
				entry = JSON.parse(damaged(GOOD[id as keyof typeof GOOD], what).toString('utf8'));
			} catch {
				return; // VS Code gives us values, not text.
			}
			const parsed = parseProviders({ ...GOOD, [id]: entry });
			check(parsed);
			for (const other of Object.keys(GOOD))
				if (other !== id) assert.ok(parsed.providers.some((one) => one.id === other));
		},
	);
});

test('any id, any address', async () => {
	const entry = fc.record(
		{
			type: fc.constantFrom('oidc', 'oauth2'),
			issuer: address,
			tokenEndpoint: address,
			authorizationEndpoint: address,
			userinfoEndpoint: address,
			clientId: fc.string(),
		},
		{ requiredKeys: ['type'] },
	);
	const id = fc.oneof(
		fc.constantFrom('constructor', 'prototype', '__proto__', 'toString', 'valueOf', '../x', 'a/b', 'con', 'nul'),
		fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,45}$/),
		fc.string(),
	);
	await fuzz('addresses', fc.dictionary(id, entry), { cases: 500 }, (value, tally) => {
		tally.fault();
		check(parseProviders(value));
	});
});

test('anything at all as the setting', async () => {
	await fuzz('any setting', fc.anything(), { cases: 400 }, (value, tally) => {
		tally.fault();
		check(parseProviders(value));
	});
});

test('a damaged file of the organisation is one of four results', async (t) => {
	const file = join(await tempFolder(t), 'providers.json');
	await fuzz('managed file', damage, { cases: 200 }, (what, tally) => {
		if (what.kind !== 'none') tally.fault();
		writeFileSync(file, damaged(GOOD, what));
		const managed = readManagedProviders(file, () => undefined);
		assert.ok(['read', 'invalid'].includes(managed.kind));
		if (managed.kind === 'read') check(managed);
		const merged = mergeProviders(parseProviders(GOOD), managed);
		check({ providers: merged.providers, problems: merged.problems });
		// What the file does not name stays the person's.
		const taken = managed.kind === 'read' ? managed.ids : [];
		for (const id of Object.keys(GOOD))
			if (!taken.includes(id)) assert.ok(merged.providers.some((provider) => provider.id === id));
	});
});

test('the place of that file does not depend on what is damaged', () => {
	assert.equal(managedProvidersPath('linux', { ProgramData: '../../x' }), '/etc/agent-auth/providers.json');
});
