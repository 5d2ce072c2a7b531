import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMemoryLedger } from '../../../src/auth/vault/memoryLedger.ts';

it('a ledger in memory answers as one on the disk does, and has nothing unfinished', async () => {
	const ledger = createMemoryLedger();
	assert.equal(await ledger.read('a'), undefined);
	assert.deepEqual(await ledger.leftovers('a', 0), []);
	assert.equal(await ledger.append('a', 1, Buffer.from('2')), 'conflict');
	let durable = 0;
	assert.equal(await ledger.append('a', 0, Buffer.from('1'), { onDurable: () => durable++ }), 'written');
	assert.equal(durable, 1);
	assert.equal(await ledger.append('a', 0, Buffer.from('again')), 'conflict');
	assert.deepEqual(await ledger.read('a'), { generation: 1, bytes: Buffer.from('1') });
	assert.deepEqual(await ledger.list(), new Map([['a', 1]]));
	assert.equal(await ledger.leftovers('a', 0), 'superseded');
	assert.deepEqual(await ledger.leftovers('a', 1), []);
	assert.equal(await ledger.promote('a', 1, 'a file'), 'conflict');
});
