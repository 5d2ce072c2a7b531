import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { terminalName } from '../../../src/auth/terminal/terminalName.ts';

const NODE = '/opt/editor/node';
const named = (name: string, shellPath?: string, defaultShell = '/bin/bash'): string =>
	terminalName({ name, shellPath, defaultShell }, NODE);

describe('the name of a terminal that asks', () => {
	it('is the one that VS Code shows', () => {
		assert.equal(named('deploy'), 'deploy');
		assert.equal(named('zsh', '/usr/bin/zsh'), 'zsh');
		assert.equal(named('node_modules'), 'node_modules');
	});

	it('is that of its shell while the program in front is the helper itself', () => {
		assert.equal(named('node', '/usr/bin/zsh'), 'zsh');
		assert.equal(named('node'), 'bash');
		assert.equal(named('sh'), 'bash');
		assert.equal(named('sh', '/usr/bin/fish'), 'fish');
	});

	it('stays as it is where nobody knows the shell', () => assert.equal(named('node', undefined, ''), 'node'));
});
