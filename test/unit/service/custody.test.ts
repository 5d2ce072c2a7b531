import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { letGo, takeIn } from '../../../src/auth/service/custody.ts';
import { createMemoryShelf } from '../../../src/auth/shelf.ts';

const provider: Provider = {
	id: 'demo',
	label: 'Demo',
	kind: 'oauth2',
	endpoints: { issuer: 'https://demo', tokenEndpoint: 'https://demo/token' },
	client: { clientId: 'demo', scopes: [] },
};
const credential: OAuthCredential = {
	kind: 'oauth',
	accessToken: 'access',
	refreshToken: 'refresh',
	scopes: [],
	obtainedAtMs: 1,
	identity: { issuer: 'https://demo', subject: 's' },
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
});
