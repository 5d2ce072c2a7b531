import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
	environmentChanges,
	type PresentContribution,
	terminalsRunElsewhere,
	WHEN,
} from '../../../src/auth/terminal/environmentChanges.ts';

const REPLACE = 1;
const PREPEND = 3;
const PATH = { type: PREPEND, value: '/bin/of/ours:' };
const RUN = { type: REPLACE, value: '/run/of/ours' };
const WANTED = new Map([
	['PATH', PATH],
	['AGENT_AUTH_RUN', RUN],
]);

const present = (changes: Record<string, PresentContribution> = {}) =>
	new Map<string, PresentContribution>([
		['PATH', { ...PATH, options: WHEN }],
		['AGENT_AUTH_RUN', { ...RUN, options: WHEN }],
		...Object.entries(changes),
	]);

describe('changes of the environment of terminals', () => {
	it('are all of it where nothing is there, and none where all is there', () => {
		assert.deepEqual(environmentChanges(new Map(), WANTED), { remove: [], put: [...WANTED] });
		assert.deepEqual(environmentChanges(present(), WANTED), { remove: [], put: [] });
	});

	it('are the variable whose value, way or time differs, and no other', () => {
		const different: PresentContribution[] = [
			{ ...PATH, value: '/bin/of/an/older/version:', options: WHEN },
			{ ...PATH, type: REPLACE, options: WHEN },
			{ ...PATH, options: { applyAtProcessCreation: true } },
			{ ...PATH, options: { applyAtShellIntegration: true } },
			{ ...PATH, options: {} },
		];
		for (const PATH_NOW of different)
			assert.deepEqual(environmentChanges(present({ PATH: PATH_NOW }), WANTED), { remove: [], put: [['PATH', PATH]] });
	});

	it('take out what an older version put in, and all where nothing is wanted', () => {
		const old = { OLD: { ...RUN, options: WHEN } };
		assert.deepEqual(environmentChanges(present(old), WANTED), { remove: ['OLD'], put: [] });
		assert.deepEqual(environmentChanges(present(old), new Map()), {
			remove: ['PATH', 'AGENT_AUTH_RUN', 'OLD'],
			put: [],
		});
	});

	it('are for terminals on this machine: a remote window of the desktop has its terminals elsewhere', () => {
		assert.equal(terminalsRunElsewhere({ remoteName: 'ssh-remote', isUi: true }), true);
		assert.equal(terminalsRunElsewhere({ remoteName: 'ssh-remote', isUi: false }), false);
		assert.equal(terminalsRunElsewhere({ remoteName: undefined, isUi: true }), false);
	});
});
