/** A vault with as many signed-in accounts as wanted, whose tokens are good for an hour. */
import { addBucket } from '../src/auth/buckets/accounts.ts';
import type { OAuthCredential } from '../src/auth/credential.ts';
import type { VaultSetup } from '../test/race/protocol.ts';
import { createTestVault } from '../test/race/vaults.ts';
import type { StrictTokenServer } from '../test/server/strictTokenServer.ts';
import type { tempFolder } from '../test/support/tempFolder.ts';

const LIFE_MS = 3_600_000;
/** Writes that run side by side: each waits for the disk. */
const TOGETHER = 16;

export async function fillVault(
	context: Parameters<typeof tempFolder>[0],
	server: StrictTokenServer,
	buckets: number,
): Promise<VaultSetup> {
	const { setup, shelf, ref, credential } = await createTestVault(context, server);
	const nowMs = Date.now();
	const provider = { id: ref.providerId, label: 'Demo', kind: 'apiKey' as const };
	const fresh = (subject: string): OAuthCredential => ({
		...credential,
		expiresAtMs: nowMs + LIFE_MS,
		obtainedAtMs: nowMs,
		identity: { issuer: server.issuer, subject, email: `${subject}@example.test` },
	});
	const others = Array.from({ length: buckets - 1 }, (_, index) => ({
		bucketId: `b${index + 2}`,
		credential: fresh(`person-${index + 2}`),
	}));
	await shelf.vault.write(ref, 1, fresh('person-0001'));
	for (let at = 0; at < others.length; at += TOGETHER)
		await Promise.all(
			others
				.slice(at, at + TOGETHER)
				.map((one) => shelf.vault.write({ providerId: ref.providerId, bucketId: one.bucketId }, 0, one.credential)),
		);
	await shelf.state.update((state) =>
		others.reduce(
			(present, one) => addBucket(present, provider, one.credential, { nowMs, bucketId: one.bucketId }).state,
			state,
		),
	);
	return setup;
}
