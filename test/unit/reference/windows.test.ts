/** The rules for Windows, which the other tests cannot reach on the systems that they run on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandEnvironment } from '../../../src/auth/reference/commandEnvironment.ts';
import { findProgram } from '../../../src/auth/reference/program.ts';
import { searchFolders } from '../../../src/auth/reference/searchPath.ts';

function find(command: string, present: readonly string[], folders: readonly string[] = ['C:\\a', 'C:\\b']) {
	return findProgram(command, folders, 'win32', async (file) => present.includes(file));
}

describe('a command on Windows', () => {
	it('is found with the extension of a program, in the order of PATH', async () => {
		assert.deepEqual(await find('op', ['C:\\b\\op.exe']), { kind: 'found', file: 'C:\\b\\op.exe' });
		assert.deepEqual(await find('op', ['C:\\a\\op.exe', 'C:\\a\\op.com']), { kind: 'found', file: 'C:\\a\\op.com' });
		assert.deepEqual(await find('op.EXE', ['C:\\b\\op.EXE']), { kind: 'found', file: 'C:\\b\\op.EXE' });
		assert.deepEqual(await find('C:/tools/op', ['C:/tools/op.exe']), { kind: 'found', file: 'C:/tools/op.exe' });
	});

	it('is refused if a batch file is what a shell would run', async () => {
		assert.deepEqual(await find('az', ['C:\\a\\az.cmd', 'C:\\b\\az.exe']), { kind: 'batch' });
		assert.deepEqual(await find('C:\\tools\\az.BAT', ['C:\\tools\\az.BAT']), { kind: 'batch' });
	});

	it('is no script of another host, and absent if there is none', async () => {
		assert.deepEqual(await find('op', ['C:\\a\\op', 'C:\\a\\op.ps1', 'C:\\a\\op.js']), { kind: 'absent' });
	});

	it('is relative if its meaning depends on a folder or a drive', async () => {
		for (const command of ['.\\op', 'bin\\op', 'bin/op', '\\op', '/op', 'C:op', 'op:stream', '..']) {
			assert.deepEqual(await find(command, []), { kind: 'relative' }, command);
		}
	});

	it('is looked up in absolute entries of Path outside the workspace, whatever the case', async () => {
		const env = {
			Path: ';.;bin;\\tools;"C:\\Program Files\\op";c:\\REPO\\node_modules\\.bin;C:\\repository;\\\\server\\share',
		};
		assert.deepEqual(await searchFolders(env, 'win32', 'C:\\Users\\me', ['C:\\repo']), [
			...['C:\\Program Files\\op', 'C:\\repository', '\\\\server\\share'],
		]);
	});

	it('has one PATH, and the variables without which no program starts', () => {
		const env = { Path: 'x', SYSTEMROOT: 'C:\\Windows', NODE_OPTIONS: '--x', op_account: 'me' };
		assert.deepEqual(commandEnvironment(env, ['OP_ACCOUNT', 'Path'], ['C:\\a', 'C:\\b'], 'win32'), {
			...{ SystemRoot: 'C:\\Windows', OP_ACCOUNT: 'me', PATH: 'C:\\a;C:\\b' },
		});
	});
});
