import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { updateBucket } from '../../../src/auth/buckets/state.ts';
import { systemClock } from '../../../src/auth/clock.ts';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { AuthError } from '../../../src/auth/errors.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { letGo, takeIn } from '../../../src/auth/service/custody.ts';
import { createMemoryShelf, type Shelf } from '../../../src/auth/shelf.ts';

const provider: Provider = {
	id: 'demo',
	label: 'Demo',
	kind: 'oauth2',
	endpoints: { issuer: 'https://demo', tokenEndpoint: 'https://demo/token' },
	client: { clientId: 'demo', scopes: [] },
};
const identity = { issuer: 'https://demo', subject: 's' };
const credential: OAuthCredential = {
	kind: 'oauth',
	accessToken: 'access',
	refreshToken: 'refresh',
	scopes: [],
	obtainedAtMs: 1,
	identity,
};

describe('custody', () => {
	it('does not write over the end of an account that comes while somebody signs in again: who comes back gets a new bucket', async () => {
		const shelf = createMemoryShelf();
		const first = await takeIn(shelf, systemClock, { provider, credential, birth: {} });
		const ref = { providerId: provider.id, bucketId: first };
		let leaving: Promise<unknown> | undefined;
		const vault: typeof shelf.vault = {
			...shelf.vault,
			async read(asked, hint) {
				const reading = await shelf.vault.read(asked, hint);
				if (asked.bucketId !== first) return reading;
				leaving ??= letGo(shelf, ref);
				await leaving;
				return reading;
			},
		};
		const again = { ...credential, accessToken: 'again', refreshToken: 'new' };
		const second = await takeIn({ ...shelf, vault }, systemClock, { provider, credential: again, birth: {} });
		assert.notEqual(second, first);
		assert.equal((await shelf.vault.read(ref)).kind, 'signedOut');
		const reading = await shelf.vault.read({ ...ref, bucketId: second });
		assert.ok(reading.kind === 'credential' && reading.generation === 1);
		const state = await shelf.state.read();
		assert.ok(state.kind === 'state');
		assert.deepEqual(
			state.state.providers.demo?.buckets.map(({ id }) => id),
			[second],
		);
	});

	it('does not store again what was stored and renewed before it could look: a used refresh token must not come back', async () => {
		const shelf = createMemoryShelf();
		const bucketId = await takeIn(shelf, systemClock, { provider, credential, birth: {} });
		const again = { ...credential, accessToken: 'again', refreshToken: 'new' };
		let stops = 1;
		const vault: Shelf['vault'] = {
			...shelf.vault,
			async write(ref, expected, stored, options) {
				const generation = await shelf.vault.write(ref, expected, stored, options);
				if (stops-- <= 0) return generation;
				// This window stands still; another one renews what it finds.
				assert.equal(stored.kind, 'oauth');
				const renewed = { ...stored, accessToken: 'renewed', refreshToken: 'next' };
				await shelf.vault.write(ref, generation, renewed, {});
				throw new AuthError('conflict', 'a later generation is there');
			},
		};
		assert.equal(await takeIn({ ...shelf, vault }, systemClock, { provider, credential: again, birth: {} }), bucketId);
		const reading = await shelf.vault.read({ providerId: provider.id, bucketId });
		assert.ok(reading.kind === 'credential' && reading.credential.kind === 'oauth');
		assert.equal(reading.credential.refreshToken, 'next');
	});

	it('stores a sign-in after another one that came first, and never takes it for its own', async () => {
		const shelf = createMemoryShelf();
		const bucketId = await takeIn(shelf, systemClock, { provider, credential, birth: {} });
		const again = { ...credential, accessToken: 'again', refreshToken: 'new' };
		assert.equal(await takeIn(shelf, systemClock, { provider, credential: again, birth: {} }), bucketId);
		const reading = await shelf.vault.read({ providerId: provider.id, bucketId });
		assert.ok(reading.kind === 'credential' && reading.credential.kind === 'oauth');
		assert.deepEqual([reading.generation, reading.credential.refreshToken], [2, 'new']);
	});

	const state = async (shelf: Shelf) => {
		const reading = await shelf.state.read();
		assert.ok(reading.kind === 'state');
		return reading.state.providers.demo?.buckets ?? [];
	};
	const take = (shelf: Shelf, more: Partial<OAuthCredential> = {}, bucketId?: string) =>
		takeIn(shelf, systemClock, {
			...{ provider, credential: { ...credential, ...more }, birth: {} },
			...(bucketId === undefined ? {} : { bucketId }),
		});

	it('gives who comes back a new bucket, and names the old one no more, where its end was cut off by a kill', async () => {
		const shelf = createMemoryShelf();
		const first = await take(shelf);
		await shelf.vault.writeSignedOut({ providerId: provider.id, bucketId: first }, 1);
		const second = await take(shelf);
		assert.notEqual(second, first);
		assert.deepEqual(
			(await state(shelf)).map(({ id }) => id),
			[second],
		);
	});

	it('does not name an account again that was left between its record and its name', async () => {
		for (const before of [0, 1]) {
			const shelf = createMemoryShelf();
			for (let count = 0; count < before; count++) await take(shelf);
			let left: string | undefined;
			const vault: Shelf['vault'] = {
				...shelf.vault,
				async write(ref, ...more) {
					const written = await shelf.vault.write(ref, ...more);
					left ??= ref.bucketId;
					await letGo(shelf, ref);
					return written;
				},
			};
			assert.equal(await take({ ...shelf, vault }, { accessToken: 'again', refreshToken: 'new' }), left);
			assert.deepEqual(await state(shelf), []);
			assert.equal((await shelf.vault.read({ providerId: provider.id, bucketId: left ?? '' })).kind, 'signedOut');
		}
	});

	it('stores nothing over a record that is another person’s, whatever the state says of it', async () => {
		const shelf = createMemoryShelf();
		const first = await take(shelf);
		const ref = { providerId: provider.id, bucketId: first };
		await shelf.vault.write(ref, 1, {
			...credential,
			accessToken: 'theirs',
			identity: { ...identity, subject: 'other' },
		});
		await assert.rejects(take(shelf, { accessToken: 'mine' }), { code: 'identity' });
		const reading = await shelf.vault.read(ref);
		assert.ok(reading.kind === 'credential' && reading.credential.accessToken === 'theirs');
	});

	it('puts two sign-ins of one person at the same moment into one bucket, the last to finish in it', async () => {
		const shelf = createMemoryShelf();
		let other: Promise<string> | undefined;
		const vault: Shelf['vault'] = {
			...shelf.vault,
			async write(...given) {
				const written = await shelf.vault.write(...given);
				other ??= take(shelf, { accessToken: 'other' });
				await other;
				return written;
			},
		};
		const mine = await take({ ...shelf, vault }, { accessToken: 'mine' });
		assert.equal(mine, await other);
		assert.equal((await state(shelf)).length, 1);
		const reading = await shelf.vault.read({ providerId: provider.id, bucketId: mine });
		assert.ok(reading.kind === 'credential' && reading.credential.accessToken === 'mine');
	});

	it('puts a sign-in after a refresh that came in between, and gives up where somebody always does', async () => {
		const shelf = createMemoryShelf();
		const first = await take(shelf);
		const ref = { providerId: provider.id, bucketId: first };
		let between = 1;
		const vault: Shelf['vault'] = {
			...shelf.vault,
			async read(asked, hint) {
				const reading = await shelf.vault.read(asked, hint);
				if (between-- > 0 && reading.kind === 'credential')
					await shelf.vault.write(ref, reading.generation, { ...credential, accessToken: 'refreshed' });
				return reading;
			},
		};
		assert.equal(await take({ ...shelf, vault }, { accessToken: 'mine' }), first);
		const reading = await shelf.vault.read(ref);
		assert.ok(reading.kind === 'credential' && reading.credential.accessToken === 'mine' && reading.generation === 3);
		between = 1_000;
		await assert.rejects(take({ ...shelf, vault }, { accessToken: 'again' }), { code: 'storage' });
		await assert.rejects(letGo({ ...shelf, vault }, ref), { code: 'conflict' });
		between = 1;
		const last = await letGo({ ...shelf, vault }, ref);
		assert.equal(last?.accessToken, 'refreshed');
		assert.equal((await shelf.vault.read(ref)).kind, 'signedOut');
		assert.deepEqual(await state(shelf), []);
		// Nothing is written over an end, nor where there never was anything.
		const end = await shelf.vault.read(ref);
		assert.equal(await letGo(shelf, ref), undefined);
		assert.deepEqual(await shelf.vault.read(ref), end);
		const absent = { ...ref, bucketId: 'absent' };
		assert.equal(await letGo(shelf, absent), undefined);
		assert.equal((await shelf.vault.read(absent)).kind, 'absent');
	});

	it('lets a bucket that was signed in again become better known, under the label that it has, and no other take it', async () => {
		const shelf = createMemoryShelf();
		const blank = { issuer: identity.issuer, email: 'ada@example.test' };
		const first = await take(shelf, { identity: blank });
		const [before] = await state(shelf);
		assert.equal(await take(shelf, { identity: { ...blank, subject: 's' } }, first), first);
		const [after] = await state(shelf);
		assert.equal(after?.account.identity.subject, 's');
		assert.equal(after?.account.label, before?.account.label);
		assert.equal(after?.id, first);
		const other = await take(shelf, { identity: { ...blank, subject: 'other' } }, first);
		assert.notEqual(other, first);
		assert.equal((await state(shelf)).length, 2);
	});

	it('stores nothing beside a state of a newer version, and names an account anew where the state is damaged', async () => {
		const shelf = createMemoryShelf();
		const written: string[] = [];
		const vault: Shelf['vault'] = {
			...shelf.vault,
			write(asked, ...more) {
				written.push(asked.bucketId);
				return shelf.vault.write(asked, ...more);
			},
		};
		const reading = (kind: 'newerSchema' | 'damaged'): Shelf => ({
			...{ ...shelf, vault },
			state: {
				...shelf.state,
				read: async () => ({ kind, generation: 1 }) as Awaited<ReturnType<Shelf['state']['read']>>,
			},
		});
		await assert.rejects(take(reading('newerSchema')), { code: 'newer_schema' });
		assert.deepEqual(written, []);
		const id = await take(reading('damaged'));
		assert.deepEqual(written, [id]);
	});

	it('gives a new bucket the name that was asked for, or that of the account', async () => {
		const shelf = createMemoryShelf();
		await takeIn(shelf, systemClock, { provider, credential, birth: {}, name: 'work' });
		await take(shelf, { identity: { ...identity, subject: 'other', email: 'grace@example.test' } });
		assert.deepEqual(
			(await state(shelf)).map(({ name }) => name),
			['work', 'grace@example.test'],
		);
	});

	it('puts a key into the bucket that it replaces, or into a new one, and ends what was refused, but no other cooldown', async () => {
		const shelf = createMemoryShelf();
		const key = (accessToken: string, bucketId?: string) =>
			takeIn(shelf, systemClock, {
				...{ provider, birth: {}, name: accessToken },
				credential: { kind: 'apiKey', accessToken, scopes: [], obtainedAtMs: 1, identity: { issuer: provider.id } },
				...(bucketId === undefined ? {} : { bucketId }),
			});
		const first = await key('one');
		const second = await key('two');
		assert.notEqual(second, first);
		for (const [reason, isKept] of [
			['refused', false],
			['quota', true],
		] as const) {
			const cooldown = { reason, rule: 'r', sinceMs: 1, times: 1 };
			await shelf.state.update((present) =>
				updateBucket(present, provider.id, second, (bucket) => ({ ...bucket, cooldown })),
			);
			const [, before] = await state(shelf);
			assert.equal(await key(`new ${reason}`, second), second);
			const [other, after] = await state(shelf);
			assert.equal(after?.cooldown !== undefined, isKept, reason);
			assert.deepEqual(after?.account, before?.account);
			assert.equal(other?.id, first);
			const reading = await shelf.vault.read({ providerId: provider.id, bucketId: second });
			assert.ok(reading.kind === 'credential' && reading.credential.accessToken === `new ${reason}`);
		}
		assert.equal((await state(shelf)).length, 2);
	});

	it('hears at once of a vault that cannot be written', async () => {
		const shelf = createMemoryShelf();
		let tries = 0;
		const vault: Shelf['vault'] = {
			...shelf.vault,
			async write() {
				tries++;
				throw new AuthError('key_missing', 'no key');
			},
		};
		await assert.rejects(take({ ...shelf, vault }), { code: 'key_missing' });
		assert.equal(tries, 1);
	});
});
