/** What stays behind and what travels: another profile, an uninstallation and a reinstallation, and VS Code's Settings Sync. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { ROOT } from '../../../scripts/build.ts';
import { parseProviders } from '../../../src/auth/settings.ts';
import { secretName } from '../../../src/auth/vault/secretStorage.ts';
import { createSharedKeys, demoProvider, openWindow } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const KEYS_PROVIDER = { id: 'keys', label: 'Keys', kind: 'apiKey' } as const;

describe('Settings Sync', () => {
	const manifest = v.parse(
		v.object({
			contributes: v.object({
				configuration: v.object({ properties: v.record(v.string(), v.looseObject({ scope: v.string() })) }),
			}),
		}),
		JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')),
	);

	it('finds no secret in a setting: none of them has a place for one', () => {
		for (const [name, schema] of Object.entries(manifest.contributes.configuration.properties))
			for (const key of keysOf(schema))
				assert.doesNotMatch(
					key,
					/secret|password|refreshToken|accessToken|^token$|^key$|privateKey/i,
					`${name}: ${key}`,
				);
	});

	it('gets a secret that somebody writes there all the same refused by name, never used', () => {
		const base = { type: 'oidc', issuer: 'https://login.example.com', clientId: 'c' };
		for (const field of ['clientSecret', 'client_secret', 'refreshToken', 'apiKey', 'password']) {
			const { providers, problems } = parseProviders({ demo: { ...base, [field]: 'canary-secret-value' } });
			assert.equal(JSON.stringify({ providers, problems }).includes('canary-secret-value'), false, field);
		}
	});

	it('is given nothing else to carry: no part of the extension marks anything of its own for it, or keeps anything there', () => {
		const sources = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'));
		for (const source of sources) {
			assert.equal(source.includes('setKeysForSync'), false);
			assert.equal(/\b(globalState|workspaceState)\b/.test(source), false);
		}
	});
});

/** Names of all properties that a JSON schema describes, also further down. */
function keysOf(schema: unknown): string[] {
	if (typeof schema !== 'object' || schema === null) return [];
	return Object.entries(schema).flatMap(([name, value]) => [
		...(name === 'properties' && typeof value === 'object' && value !== null ? Object.keys(value) : []),
		...keysOf(value),
	]);
}

describe('another profile', () => {
	it('has a storage and accounts of its own, although SecretStorage is the same', async (context) => {
		const keys = createSharedKeys();
		const [one, two] = [await tempFolder(context), await tempFolder(context)];
		const [first, second] = [one, two].map((folder) => openWindow(folder, keys, [KEYS_PROVIDER]));
		assert.ok(first && second);
		context.after(() => first.service.dispose());
		context.after(() => second.service.dispose());
		const add = (window: typeof first, key: string) =>
			window.service.addApiKey({ providerId: 'keys', key, name: 'Mine' });
		await add(first, 'key-of-the-first-profile');
		await second.service.reload();
		assert.deepEqual(second.service.snapshot().providers[0]?.buckets, []);
		await add(second, 'key-of-the-second-profile');
		const token = async (window: typeof first) =>
			(await window.service.getToken({ providerId: 'keys', deadlineMs: 1_000, purpose: 'test' })).token.value;
		assert.equal(await token(first), 'key-of-the-first-profile');
		assert.equal(await token(second), 'key-of-the-second-profile');
		assert.equal(keys.keys.size, 2);
	});
});

describe('a reinstallation', () => {
	it('finds the accounts again where files and key were left behind', async (context) => {
		const keys = createSharedKeys();
		const folder = await tempFolder(context);
		const before = openWindow(folder, keys, [KEYS_PROVIDER]);
		await before.service.addApiKey({ providerId: 'keys', key: 'the-key', name: 'Mine' });
		before.service.dispose();
		const after = openWindow(folder, keys, [KEYS_PROVIDER]);
		context.after(() => after.service.dispose());
		await after.service.loaded;
		assert.equal(after.service.snapshot().providers[0]?.buckets[0]?.token?.value, 'the-key');
	});

	it('is not disturbed by a key that was left behind without its files, and makes one of its own', async (context) => {
		const keys = createSharedKeys();
		const gone = openWindow(await tempFolder(context), keys, [KEYS_PROVIDER]);
		await gone.service.addApiKey({ providerId: 'keys', key: 'lost', name: 'Mine' });
		gone.service.dispose();
		const [left] = keys.keys.keys();
		const next = openWindow(await tempFolder(context), keys, [KEYS_PROVIDER, demoProvider('https://unused.example')]);
		context.after(() => next.service.dispose());
		await next.service.addApiKey({ providerId: 'keys', key: 'new', name: 'Mine' });
		assert.equal(keys.keys.size, 2);
		assert.notEqual([...keys.keys.keys()][1], left);
		// The name holds nothing but the id of the key, so what is left behind tells nobody whose it was.
		assert.match(secretName(left ?? ''), /^agentAuth\.vaultKey\.[0-9a-f]{32}$/);
	});

	it('says that the key is missing where only the files were left, and removing all data makes room', async (context) => {
		const keys = createSharedKeys();
		const folder = await tempFolder(context);
		const before = openWindow(folder, keys, [KEYS_PROVIDER]);
		await before.service.addApiKey({ providerId: 'keys', key: 'the-key', name: 'Mine' });
		before.service.dispose();
		keys.keys.clear();
		const after = openWindow(folder, keys, [KEYS_PROVIDER]);
		context.after(() => after.service.dispose());
		await after.service.loaded;
		assert.equal(after.service.snapshot().providers[0]?.buckets[0]?.state.kind, 'keyMissing');
		assert.deepEqual((await after.service.storedData.remove()).left, []);
		await after.service.addApiKey({ providerId: 'keys', key: 'another', name: 'Mine' });
		assert.equal(after.service.snapshot().providers[0]?.buckets[0]?.token?.value, 'another');
	});
});
