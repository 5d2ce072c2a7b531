import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { createEmitter } from '../../../src/auth/event.ts';
import { createKeyReturn } from '../../../src/auth/service/keyReturn.ts';
import { createManualClock } from '../../support/manualClock.ts';

function world() {
	const clock = createManualClock();
	const changes = createEmitter<void>((error) => {
		throw error;
	});
	let wanted = true;
	const startedAtMs = clock.monotonic();
	const looks: number[] = [];
	const keyReturn = createKeyReturn({
		clock,
		isWanted: () => wanted,
		async look() {
			looks.push(clock.monotonic() - startedAtMs);
		},
		onDidChange: changes.event,
	});
	/** In small steps: who looked looks again only after what it found is known. */
	async function pass(ms: number): Promise<void> {
		for (let passed = 0; passed < ms; passed += 500) {
			clock.advance(500);
			await settled();
		}
	}
	return { keyReturn, looks, pass, changes, want: (next: boolean) => (wanted = next) };
}

describe('a key that records wait for', () => {
	it('is looked for soon at first, then rarely, and for ever once a minute', async () => {
		const { keyReturn, looks, pass } = world();
		keyReturn.check();
		keyReturn.check();
		await pass(4 * 60_000);
		assert.deepEqual(looks, [500, 2_500, 7_500, 22_500, 82_500, 142_500, 202_500]);
	});

	it('is looked for when a store says that it changed, and not once it is there', async () => {
		const { keyReturn, looks, pass, changes, want } = world();
		keyReturn.check();
		changes.fire();
		assert.equal(looks.length, 1);
		want(false);
		keyReturn.check();
		changes.fire();
		await pass(60_000);
		assert.equal(looks.length, 1);
		want(true);
		keyReturn.check();
		await pass(500);
		assert.equal(looks.length, 2, 'soon again, as the first time');
	});

	it('is not looked for by a window that ended', async () => {
		const { keyReturn, looks, pass, changes } = world();
		keyReturn.check();
		keyReturn.dispose();
		keyReturn.check();
		changes.fire();
		await pass(60_000);
		assert.deepEqual(looks, []);
	});
});
