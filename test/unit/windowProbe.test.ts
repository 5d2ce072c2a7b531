import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { ASK_EVERY_MS, createWindowProbe, SILENCE_MS } from '../../src/auth/windowProbe.ts';
import { createManualClock } from '../support/manualClock.ts';
import { createTestLog } from '../support/serviceWindow.ts';

describe('the window probe', () => {
	function probeWith(ask: () => PromiseLike<unknown>) {
		const clock = createManualClock();
		const changes: boolean[] = [];
		const probe = createWindowProbe(ask, clock, createTestLog([]));
		probe.onDidChange((orphan) => changes.push(orphan));
		return { clock, probe, changes };
	}

	it('believes in a window that answers, with a result or with an error', async () => {
		for (const ask of [async () => 1, async () => Promise.reject(new Error('no'))]) {
			const { probe, changes } = probeWith(ask);
			assert.equal(await probe.check(), true);
			assert.equal(probe.isOrphan(), false);
			assert.deepEqual(changes, []);
		}
	});

	it('does not bother the window more often than it has to', async () => {
		let asked = 0;
		const { clock, probe } = probeWith(async () => {
			asked++;
		});
		for (let count = 0; count < 100; count++) await probe.check();
		assert.equal(asked, 1);
		clock.advance(ASK_EVERY_MS);
		await probe.check();
		assert.equal(asked, 2);
	});

	it('notices silence after its deadline, asks only once meanwhile, and notices the answer that comes at last', async () => {
		let answer: (value: unknown) => void = () => undefined;
		let asked = 0;
		const { clock, probe, changes } = probeWith(() => {
			asked++;
			return new Promise((resolve) => {
				answer = resolve;
			});
		});
		const first = probe.check();
		clock.advance(SILENCE_MS - 1);
		await settled();
		assert.equal(probe.isOrphan(), false);
		clock.advance(1);
		await settled();
		assert.equal(await first, false);
		assert.equal(probe.isOrphan(), true);
		const second = probe.check();
		clock.advance(SILENCE_MS);
		await settled();
		assert.equal(await second, false);
		assert.equal(asked, 1);
		answer(undefined);
		clock.advance(0);
		await settled();
		assert.equal(probe.isOrphan(), false);
		assert.deepEqual(changes, [true, false]);
	});
});
