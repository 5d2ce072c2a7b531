import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bindingSettingOf, type FolderValues } from '../../../src/auth/buckets/folderBindings.ts';

const read = (...folders: FolderValues[]) => bindingSettingOf('acme', folders, 'digest');
const bound = (bucketName: string, fromWorkspace: boolean) => ({
	kind: 'bound',
	binding: { providerId: 'acme', bucketName, workspace: 'digest', fromWorkspace },
});

describe('which bucket the folders of a window are tied to', () => {
	it('none, where nothing is said', () => {
		assert.deepEqual(read(), { kind: 'none' });
		assert.deepEqual(read({}), { kind: 'none' });
		assert.deepEqual(read({ own: { other: 'Work' } }), { kind: 'none' });
	});

	it('what a folder says goes before what the workspace says, and that before what the person says', () => {
		const own = { acme: 'Own' };
		const workspace = { acme: 'Workspace' };
		const folder = { acme: 'Folder' };
		assert.deepEqual(read({ own }), bound('Own', false));
		assert.deepEqual(read({ own, workspace }), bound('Workspace', true));
		assert.deepEqual(read({ own, workspace, folder }), bound('Folder', true));
	});

	it('the one that all folders name, which is of the workspace if one of them has it from there', () => {
		assert.deepEqual(read({ own: { acme: 'Work' } }, { folder: { acme: 'Work' } }), bound('Work', true));
		assert.deepEqual(read({ own: { acme: 'Work' } }, {}), bound('Work', false));
	});

	it('nobody can say, where two folders name two', () =>
		assert.deepEqual(read({ folder: { acme: 'Work' } }, { folder: { acme: 'Home' } }), {
			kind: 'conflict',
			names: ['Work', 'Home'],
		}));

	it('none, where the value is no name: a wrong type, empty, endless, or not its own property', () => {
		const wrong: unknown[] = ['Work', 7, null, [], { acme: 7 }, { acme: '' }, { acme: 'x'.repeat(201) }];
		for (const folder of [...wrong, Object.create({ acme: 'Work' })]) {
			assert.deepEqual(read({ folder }), { kind: 'none' }, JSON.stringify(folder));
			assert.deepEqual(read({ folder, own: { acme: 'Own' } }), bound('Own', false));
		}
		assert.deepEqual(read({ own: { acme: 'x'.repeat(200) } }), bound('x'.repeat(200), false));
		assert.deepEqual(bindingSettingOf('__proto__', [{ own: {} }], ''), { kind: 'none' });
	});
});
