import assert from 'node:assert/strict';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { AuthError } from '../../../src/auth/errors.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { bucketOf, createFakeAuthService, KEYS, snapshotOf } from '../../support/fakeAuthService.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';
import { answerWith, asked } from './scriptedVscode.ts';

registerHooks({
	resolve: (specifier, context, next) =>
		next(specifier === 'vscode' ? new URL('./scriptedVscode.ts', import.meta.url).href : specifier, context),
});
const { importKeys } = await import('../../../src/views/providers/importKeys.ts');

const KEY = 'sk-proj-0123456789abcdef';
const OPENAI: Provider = { id: 'openai', label: 'OpenAI', kind: 'apiKey' };
const FILE = 'A .env File…';

function createScene(providers: readonly Provider[], refuses?: string) {
	const [first = KEYS, ...others] = providers;
	const snapshot = snapshotOf([], { provider: first });
	const rest = others.flatMap((provider) => snapshotOf([], { provider }).providers);
	const service = createFakeAuthService({
		...snapshot,
		providers: providers.length === 0 ? [] : [...snapshot.providers, ...rest],
	});
	const stored: { providerId: string; key: string; name: string }[] = [];
	service.addApiKey = async ({ providerId, key, name }) => {
		if (name === refuses) throw new AuthError('storage', 'no place');
		stored.push({ providerId, key, name });
		return bucketOf(name, { providerId, name, kind: 'apiKey' });
	};
	return { service, stored };
}

async function fileWith(context: Parameters<typeof tempFolder>[0], text: string) {
	const folder = await tempFolder(context);
	const fsPath = join(folder, '.env');
	await writeFile(fsPath, text);
	return { folder: basename(folder), file: { scheme: 'file', path: fsPath, fsPath } };
}

/** Nothing that is shown may hold a part of a key. */
function assertNoKeyShown(): void {
	assert.ok(!JSON.stringify(asked).includes(KEY.slice(0, 8)));
	assert.ok(!JSON.stringify(asked).includes(KEY.slice(-6)));
}

describe('the import of keys', () => {
	it('stores the ticked keys of a file under the services they are for, and leaves the file as it is', async (context) => {
		const { service, stored } = createScene([OPENAI, KEYS]);
		const text = `OPENAI_API_KEY=${KEY}\nMISTRAL_API_KEY=${KEY}2\nX_REFRESH_TOKEN=abcdefghijkl\n`;
		const { folder, file } = await fileWith(context, text);
		answerWith([FILE], file, ['OPENAI_API_KEY', 'MISTRAL_API_KEY'], ['Model Keys'], 'Store', 'Open File');
		await importKeys(service);
		assert.deepEqual(stored, [
			{ providerId: 'openai', key: KEY, name: `OPENAI_API_KEY (${folder})` },
			{ providerId: 'keys', key: `${KEY}2`, name: `MISTRAL_API_KEY (${folder})` },
		]);
		await until('the file is shown', () => asked.some(({ kind }) => kind === 'document'));
		const [, , which, service2, confirmed, told] = asked;
		assert.deepEqual(
			which?.items?.map(({ description, picked }) => [description, picked]),
			[
				['OpenAI', true],
				['Mistral', false],
			],
		);
		assert.equal(service2?.text, 'Which service is MISTRAL_API_KEY for?');
		assert.equal(confirmed?.text, 'Store these 2 keys?');
		assert.match(
			confirmed?.detail ?? '',
			/^OPENAI_API_KEY for OpenAI\nMISTRAL_API_KEY for Model Keys\n\nNot imported:\nX_REFRESH_TOKEN: /,
		);
		assert.match(told?.text ?? '', /^Stored: OPENAI_API_KEY, MISTRAL_API_KEY\. It is still in \.env,/);
		assert.equal(await readFile(file.fsPath, 'utf8'), text);
		assertNoKeyShown();
	});

	it('takes them from the environment, too', async (context) => {
		const before = process.env.OPENAI_API_KEY;
		process.env.OPENAI_API_KEY = KEY;
		context.after(() => {
			if (before === undefined) delete process.env.OPENAI_API_KEY;
			else process.env.OPENAI_API_KEY = before;
		});
		const { service, stored } = createScene([OPENAI]);
		answerWith(['Environment of VS Code'], ['OPENAI_API_KEY'], 'Store');
		await importKeys(service);
		assert.deepEqual(stored, [{ providerId: 'openai', key: KEY, name: 'OPENAI_API_KEY' }]);
		assert.match(asked.at(-1)?.text ?? '', /The environment of VS Code still has it/);
		assertNoKeyShown();
	});

	it('stores nothing when the person gives up at any question', async (context) => {
		const { file } = await fileWith(context, `OPENAI_API_KEY=${KEY}\nMISTRAL_API_KEY=${KEY}2\n`);
		const answers = [[FILE], file, ['OPENAI_API_KEY', 'MISTRAL_API_KEY'], ['Model Keys'], 'Store'];
		for (let given = 0; given < answers.length; given++) {
			const { service, stored } = createScene([OPENAI, KEYS]);
			answerWith(...answers.slice(0, given));
			await importKeys(service);
			assert.deepEqual(stored, [], `after ${given} answers`);
			assert.equal(asked.length, given + 1);
		}
	});

	it('refuses the sign-in of another tool and a link, and offers a sign-in of one’s own', async (context) => {
		const { service, stored } = createScene([OPENAI]);
		const { file } = await fileWith(context, '{"tokens":{"refresh_token":"x"}}');
		answerWith([FILE], file, 'Sign In');
		await importKeys(service);
		await until('the sign-in is called', () => asked.some(({ text }) => text === 'agentAuth.addAccount'));
		assert.match(asked[2]?.text ?? '', /holds the sign-in of another program/);
		const link = `${file.fsPath}.link`;
		await symlink(file.fsPath, link);
		answerWith([FILE], { ...file, fsPath: link });
		await importKeys(service);
		assert.match(asked[2]?.text ?? '', /is a link/);
		answerWith([FILE], { ...file, scheme: 'vscode-remote' });
		await importKeys(service);
		assert.match(asked[2]?.text ?? '', /not on the machine/);
		assert.deepEqual(stored, []);
	});

	it('says why there is nothing to import', async (context) => {
		const { service } = createScene([OPENAI]);
		const { file } = await fileWith(context, 'OPENAI_API_KEY=your-key\nOTHER=1\n');
		answerWith([FILE], file);
		await importKeys(service);
		assert.equal(
			asked[2]?.text,
			'There is no API key to import in .env. Not imported: OPENAI_API_KEY: a placeholder, not a key',
		);
	});

	it('offers to add a service where there is none for keys', async (context) => {
		const { service, stored } = createScene([]);
		const { file } = await fileWith(context, `OPENAI_API_KEY=${KEY}\n`);
		answerWith([FILE], file, ['OPENAI_API_KEY'], 'Add Provider');
		await importKeys(service);
		assert.equal(asked.at(-1)?.text, 'agentAuth.addProvider');
		assert.deepEqual(stored, []);
	});

	it('does not tick a key that is stored, and gives a new one another name', async (context) => {
		const { folder, file } = await fileWith(context, `OPENAI_API_KEY=${KEY}\nCODEX_API_KEY=${KEY}2\n`);
		const { service, stored } = createScene([OPENAI]);
		const taken = bucketOf('b1', { providerId: 'openai', name: `CODEX_API_KEY (${folder})`, token: { value: KEY } });
		service.set(snapshotOf([taken], { provider: OPENAI }));
		answerWith([FILE], file, ['CODEX_API_KEY'], 'Store');
		await importKeys(service);
		assert.deepEqual(
			asked[2]?.items?.map(({ description, picked }) => [description, picked]),
			[
				[`stored already as CODEX_API_KEY (${folder})`, false],
				['OpenAI', true],
			],
		);
		assert.deepEqual(
			stored.map(({ name }) => name),
			[`CODEX_API_KEY (${folder}) 2`],
		);
		assertNoKeyShown();
	});

	it('tells what was stored before one could not be, and why that was', async (context) => {
		const { folder, file } = await fileWith(context, `OPENAI_API_KEY=${KEY}\nCODEX_API_KEY=${KEY}2\n`);
		const { service, stored } = createScene([OPENAI], `CODEX_API_KEY (${folder})`);
		answerWith([FILE], file, ['OPENAI_API_KEY', 'CODEX_API_KEY'], 'Store');
		await assert.rejects(importKeys(service), { code: 'storage' });
		assert.equal(stored.length, 1);
		assert.match(asked.at(-1)?.text ?? '', /^Stored: OPENAI_API_KEY\. /);
	});
});
