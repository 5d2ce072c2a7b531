/** What becomes of a token that a service refuses: renewed once, parked, or advice about why it could not be renewed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError, type AuthErrorCode, isAuthError } from '../../../src/auth/errors.ts';
import { digest } from '../../../src/auth/log.ts';
import { refused, reportWorld as world } from '../../support/reportWorld.ts';

const MINUTE_MS = 60_000;

describe('where a token is refused', () => {
	it('it is renewed for who says so in time, and that it was refused is noted once', async () => {
		const { report, asked, clock, stored, writes } = await world();
		const note = { generation: 1, status: 401, atMs: clock.now() };
		assert.deepEqual(await report('token of one', refused), { kind: 'retryWithNewToken' });
		assert.deepEqual(asked, [
			{
				...{ providerId: 'demo', bucketId: 'one', refusedDigest: digest('token of one'), deadlineMs: 5_000 },
				purpose: 'refused with 401',
			},
		]);
		assert.deepEqual((await stored('one')).refused, note);
		const before = await writes();
		clock.advance(1_000);
		await report('token of one', refused);
		assert.deepEqual([(await stored('one')).refused, await writes()], [note, before]);
	});

	it('that another one has replaced, there is one already', async () => {
		for (const kind of ['oauth', 'apiKey'] as const) {
			const { report, asked, renewedTo } = await world({ buckets: { one: { kind } } });
			await renewedTo('one', 2, 'newer');
			assert.deepEqual(await report('token of one', refused), { kind: 'retryWithNewToken' }, kind);
			assert.deepEqual(asked, []);
		}
	});

	it('again soon after its renewal, the account is parked; much later, or by another clock, it is renewed', async () => {
		for (const [passedMs, generation, isParked] of [
			[10 * MINUTE_MS - 1, 1, true],
			[10 * MINUTE_MS, 1, false],
			[-10 * MINUTE_MS, 1, false],
			[-10 * MINUTE_MS + 1, 1, true],
			[1_000, 0, false],
		] as const) {
			const { report, asked, renewedTo, change, clock, stored } = await world();
			const note = { generation, status: 401, atMs: clock.now() };
			await change('one', (bucket) => ({ ...bucket, refused: note }));
			await renewedTo('one', 2, 'newer');
			clock.jump(passedMs);
			const advice = await report('newer', refused);
			assert.deepEqual(advice, { kind: isParked ? 'signIn' : 'retryWithNewToken' }, `${passedMs} ${generation}`);
			assert.equal(asked.length, isParked ? 0 : 1);
			assert.equal((await stored('one')).cooldown?.reason, isParked ? 'refused' : undefined);
		}
		const { report, asked, renewedTo, change } = await world();
		await change('one', (bucket) => ({ ...bucket, refused: { generation: 1, status: 401 } }));
		await renewedTo('one', 2, 'newer');
		await report('newer', refused);
		assert.equal(asked.length, 1, 'nobody knows when that was');
	});

	it('of a key, the key is parked until the person says otherwise', async () => {
		const { report, asked, stored } = await world({ buckets: { one: { kind: 'apiKey' } } });
		assert.deepEqual(await report('token of one', refused), { kind: 'signIn' });
		const { cooldown } = await stored('one');
		assert.ok(cooldown?.reason === 'refused' && !('untilMs' in cooldown));
		assert.deepEqual(asked, []);
	});

	it('of a key, and the next account is another’s, the person decides, and need not sign in', async () => {
		const buckets = { one: { kind: 'apiKey', owner: 'work' }, two: { owner: 'personal' } } as const;
		const { report } = await world({ buckets });
		assert.deepEqual(await report('token of one', refused), { kind: 'wait', reason: 'decision' });
	});

	it('of an account that is signed out, a sign-in helps', async () => {
		const { report, asked, shelf, shelves, open } = await world();
		await shelf.vault.writeSignedOut({ providerId: 'demo', bucketId: 'one' }, 1);
		await shelves.readAll(open);
		assert.deepEqual(await report('token of one', refused), { kind: 'signIn' });
		assert.deepEqual(asked, []);
	});

	it('and the renewal fails, the advice is about that failure', async () => {
		const service = { kind: 'wait', reason: 'service' } as const;
		const failed = async (code: AuthErrorCode, retryAtMs?: number) => {
			const detail = retryAtMs === undefined ? {} : { retryAtMs };
			const { report, stored, clock } = await world({ renewal: new AuthError(code, 'no', { detail }) });
			return { advice: await report('token of one', refused), bucket: await stored('one'), nowMs: clock.now() };
		};
		for (const code of ['no_account', 'invalid_grant', 'unknown_outcome', 'unavailable'] as const) {
			const { advice, bucket } = await failed(code);
			assert.deepEqual([advice, bucket.cooldown], [{ kind: 'signIn' }, undefined], code);
		}
		for (const code of ['transient', 'timeout'] as const) {
			assert.deepEqual((await failed(code)).advice, service);
			assert.deepEqual((await failed(code, 7)).advice, { ...service, untilMs: 7 });
		}
		const { advice, nowMs } = await failed('locked');
		assert.deepEqual(advice, { kind: 'wait', reason: 'busy', untilMs: nowMs + 5_000 });
		const configuration = { kind: 'giveUp', code: 'configuration', reason: 'configuration' };
		assert.deepEqual((await failed('configuration')).advice, configuration);
	});

	it('and a command prints no other, its account is parked for a while', async () => {
		const renewal = new AuthError('unavailable', 'the same again');
		const { report, stored } = await world({ buckets: { one: { kind: 'reference' }, two: {} }, renewal });
		assert.deepEqual(await report('token of one', refused), { kind: 'retryWithNewToken' });
		const { cooldown, refused: noted } = await stored('one');
		assert.ok(cooldown?.reason === 'refused' && cooldown.rule === 'refused' && cooldown.untilMs !== undefined);
		assert.equal(noted, undefined);
	});

	it('and the renewal fails by a fault of our own, nobody is told to sign in', async () => {
		const renewal = new TypeError('a fault');
		const { report } = await world({ renewal });
		await assert.rejects(report('token of one', refused), (error) => {
			assert.ok(isAuthError(error, 'transient') && error.cause === renewal);
			return true;
		});
	});
});
