import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createJournal } from '../../../src/auth/refresh/journal.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';

it('the last decisions about each bucket are kept, oldest first, and all of them are logged', () => {
	const clock = createManualClock(1_000);
	const log = createRecordingLog();
	const journal = createJournal(clock, log);
	const [busy, quiet] = ['b1', 'b2'].map((bucketId) => ({ providerId: 'demo', bucketId }));
	assert.ok(busy && quiet);
	journal.note(quiet, 'c0', 'sent');
	for (let count = 1; count <= 52; count++) {
		clock.advance(1);
		journal.note(busy, `c${count}`, `decision ${count}`);
	}
	assert.equal(journal.entries(busy).length, 50);
	assert.deepEqual(journal.entries(busy)[0], { atMs: 1_003, correlationId: 'c3', text: 'decision 3' });
	assert.deepEqual(journal.entries(busy).at(-1), { atMs: 1_052, correlationId: 'c52', text: 'decision 52' });
	assert.deepEqual(journal.entries(quiet), [{ atMs: 1_000, correlationId: 'c0', text: 'sent' }]);
	assert.deepEqual(journal.entries({ providerId: 'demo', bucketId: 'b3' }), []);
	assert.equal(log.lines.length, 53);
	assert.match(log.lines[0] ?? '', /c0 \(demo\/b2\): sent$/);
});
