import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { managedProvidersPath, mergeProviders, readManagedProviders as read } from '../../src/auth/managedProviders.ts';
import { parseProviders } from '../../src/auth/settings.ts';

/** Who may write it is a matter of `managedFileGuard.test.ts`. */
const readManagedProviders = (file: string) => read(file, () => undefined);

const oidc = { type: 'oidc', issuer: 'https://login.example.com', clientId: 'me' };

describe('providers of the organisation', () => {
	let folder = '';
	before(() => {
		folder = mkdtempSync(path.join(tmpdir(), 'agent-auth-managed-'));
	});
	after(() => rmSync(folder, { recursive: true }));
	const write = (content: string): string => {
		const file = path.join(folder, 'providers.json');
		writeFileSync(file, content);
		return file;
	};

	it('no file is absent', () => {
		assert.deepEqual(readManagedProviders(path.join(folder, 'none.json')), { kind: 'absent' });
		assert.deepEqual(readManagedProviders(path.join(write('{}'), 'below-a-file.json')), { kind: 'absent' });
	});

	it('a file that cannot be read is unreadable, not absent', () => {
		const file = path.join(folder, 'folder.json');
		mkdirSync(file);
		assert.equal(readManagedProviders(file).kind, 'unreadable');
	});

	for (const content of ['', '{', '[]', 'null', '"x"', '7', `{"a":"${'x'.repeat(1024 * 1024)}"}`]) {
		it(`${content.slice(0, 10) || 'an empty file'} (${content.length} characters) is invalid`, () => {
			assert.deepEqual(readManagedProviders(write(content)), { kind: 'invalid' });
		});
	}

	it('a file in UTF-16 says so', () => {
		const file = path.join(folder, 'utf16.json');
		for (const mark of ['\uFEFF', '']) {
			writeFileSync(file, `${mark}${JSON.stringify({ acme: oidc })}`, 'utf16le');
			assert.deepEqual(readManagedProviders(file), { kind: 'utf16' });
		}
	});

	it('a byte order mark does no harm', () => {
		const found = readManagedProviders(write(`\uFEFF${JSON.stringify({ acme: oidc })}`));
		assert.equal(found.kind === 'read' && found.providers[0]?.id, 'acme');
	});

	it('its entries win, also those that are bad, and problems say where they are', () => {
		const settings = parseProviders({
			acme: { ...oidc, clientId: 'mine' },
			broken: { ...oidc, clientId: 'mine' },
			own: oidc,
			wrong: { type: 'x' },
		});
		const managed = readManagedProviders(
			write(JSON.stringify({ acme: oidc, broken: { ...oidc, issuer: 'http://x.example' } })),
		);
		const merged = mergeProviders(settings, managed);
		assert.deepEqual(
			merged.providers.map((provider) => [provider.id, provider.kind === 'oidc' && provider.client.clientId]),
			[
				['acme', 'me'],
				['own', 'me'],
			],
		);
		assert.deepEqual(merged.overridden, ['acme', 'broken']);
		assert.deepEqual(
			merged.problems.map(({ source, entry, code }) => [source, entry, code]),
			[
				['managed', 'broken', 'insecureUrl'],
				['settings', 'wrong', 'type'],
			],
		);
	});

	for (const managed of [{ kind: 'absent' }, { kind: 'invalid' }, { kind: 'unreadable', cause: undefined }] as const) {
		it(`${managed.kind}: the settings stand`, () => {
			assert.equal(mergeProviders(parseProviders({ own: oidc }), managed).providers[0]?.id, 'own');
		});
	}

	it('is where each system keeps such files', () => {
		assert.equal(managedProvidersPath('linux', {}), '/etc/agent-auth/providers.json');
		assert.equal(managedProvidersPath('darwin', {}), '/Library/Application Support/Agent Auth/providers.json');
		assert.equal(managedProvidersPath('win32', { ProgramData: 'D:\\Data' }), 'D:\\Data\\Agent Auth\\providers.json');
		assert.equal(managedProvidersPath('win32', {}), 'C:\\ProgramData\\Agent Auth\\providers.json');
	});
});
