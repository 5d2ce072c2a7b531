/** A command that no test carries out in a real VS Code is not done. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import * as v from 'valibot';
import { COMMAND_STEPS } from '../browser/commandSteps.ts';

const manifest = v.parse(
	v.object({ contributes: v.object({ commands: v.array(v.object({ command: v.string() })) }) }),
	JSON.parse(readFileSync(path.join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')),
);

it('every command of package.json is carried out by the browser tests, once', () => {
	assert.deepEqual(
		COMMAND_STEPS.map(({ command }): string => command).sort(),
		manifest.contributes.commands.map(({ command }) => command).sort(),
	);
});
