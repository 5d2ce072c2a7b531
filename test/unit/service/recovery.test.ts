/** A state that is damaged while the records are whole: whose they are stands in them. Over real files. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Provider } from '../../../src/auth/provider.ts';
import { createSharedKeys, openWindow, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const KEYS: Provider = { id: 'keys', label: 'Model Keys', kind: 'apiKey' };

/** Keys of these names, and then a state that is not JSON. */
async function damaged(context: TestContext, names: readonly string[]) {
	const folder = await tempFolder(context);
	const keys = createSharedKeys();
	const opened: Window[] = [];
	context.after(async () => {
		for (const window of opened) window.service.dispose();
	});
	const open = (providers: readonly Provider[] = [KEYS]): Window => {
		const window = openWindow(folder, keys, providers);
		opened.push(window);
		return window;
	};
	const { service } = open();
	await service.addApiKey({ providerId: 'keys', key: 'gone', name: 'gone' });
	const [gone] = service.snapshot().providers[0]?.buckets ?? [];
	for (const name of names) await service.addApiKey({ providerId: 'keys', key: `key-${name}`, name });
	await service.signOut('keys', gone?.id ?? '');
	service.dispose();
	for (const name of await readdir(join(folder, 'vault')))
		if (name.startsWith('state.')) await writeFile(join(folder, 'vault', name), 'damaged');
	return { open };
}

const buckets = (window: Window) => window.service.snapshot().providers[0]?.buckets ?? [];

describe('a state that is damaged', () => {
	it('is made anew with all that opens; only the first answers unasked, because nobody knows any more who pays', async (context) => {
		const { open } = await damaged(context, ['one', 'two', 'three']);
		const window = open();
		await window.service.loaded;
		assert.deepEqual(
			buckets(window).map(({ automatic }) => automatic),
			[true, false, false],
		);
		const answers = buckets(window).map(({ id }) =>
			window.service.getToken({ providerId: 'keys', bucketId: id, deadlineMs: 5_000, purpose: 'test' }),
		);
		const values = (await Promise.all(answers)).map(({ token }) => token.value);
		assert.deepEqual(values.sort(), ['key-one', 'key-three', 'key-two']);
	});

	it('is made anew once by windows that find it at the same time', async (context) => {
		const { open } = await damaged(context, ['one', 'two']);
		const windows = [open(), open(), open()];
		await Promise.all(windows.map(({ service }) => service.loaded));
		for (const window of windows) {
			await window.service.reload();
			assert.equal(buckets(window).length, 2);
			assert.deepEqual(
				buckets(window).map(({ automatic }) => automatic),
				[true, false],
			);
		}
	});

	it('is made anew also for services that are no longer in the settings, under their ids', async (context) => {
		const { open } = await damaged(context, ['one']);
		const { service } = open([]);
		await service.loaded;
		assert.deepEqual(
			(await service.storedData.list()).accounts.map(({ providerId }) => providerId),
			['keys'],
		);
		const later = open();
		await later.service.loaded;
		const { token } = await later.service.getToken({ providerId: 'keys', deadlineMs: 5_000, purpose: 'test' });
		assert.equal(token.value, 'key-one');
	});

	it('is made anew, and empty, where no record is left', async (context) => {
		const { open } = await damaged(context, []);
		const window = open();
		await window.service.loaded;
		assert.deepEqual(buckets(window), []);
		assert.equal(window.service.snapshot().problem, undefined);
		await window.service.addApiKey({ providerId: 'keys', key: 'new', name: 'new' });
		assert.equal(buckets(window).length, 1);
	});
});
