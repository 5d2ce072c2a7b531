/** Examines everything in order and tells each finding as soon as it is there. */
import { type AuthErrorCode, isAuthError } from '../errors.ts';
import { describeError } from '../log.ts';
import type { OAuthDeps } from '../oauth/deps.ts';
import type { Provider } from '../provider.ts';
import type { AuthService } from '../service.ts';
import type { DiskShelf } from '../shelf.ts';
import type { BucketSnapshot } from '../snapshot.ts';
import type { Disk } from '../vault/disk.ts';
import { examineService } from './examineService.ts';
import { examineKey, examineLease, examineVault, examineWatch } from './examineStorage.ts';
import { type Finding, finding } from './finding.ts';

/** The sign-in itself is over. */
const ENDED: ReadonlySet<AuthErrorCode> = new Set([
	'no_account',
	'invalid_grant',
	'unknown_outcome',
	'unavailable',
	'service_changed',
]);

export type Examine = (options: {
	readonly signal: AbortSignal;
	/** Whether this window answers terminals; asked over its own socket. */
	readonly terminal: () => Promise<'answers' | 'off' | 'silent'>;
	readonly onFinding: (finding: Finding) => void;
}) => Promise<readonly Finding[]>;

/** Services are asked side by side: the person waits for the slowest, not for all. */
export function createExamine(parts: {
	readonly service: Pick<AuthService, 'snapshot' | 'getToken'>;
	readonly shelf: DiskShelf;
	readonly disk: Disk;
	readonly oauth: OAuthDeps;
}): Examine {
	const { service, shelf, disk, oauth } = parts;
	return async ({ signal, terminal, onFinding }) => {
		const findings: Finding[] = [];
		const tell = (...found: readonly Finding[]): void => {
			findings.push(...found);
			for (const one of found) onFinding(one);
		};
		tell(await examineVault(shelf, disk, service.snapshot().problem));
		tell(await examineKey(shelf));
		tell(await examineLease(shelf, signal));
		tell(examineWatch(shelf));
		const { providers } = service.snapshot();
		await Promise.all(
			providers.map(async ({ provider, buckets, inForce }) => {
				const bucket = buckets.find(({ id }) => id === inForce) ?? buckets[0];
				tell(...(await examineOne(provider, bucket, signal)));
			}),
		);
		const answer = await terminal();
		tell(finding('terminal', answer === 'answers' ? 'healthy' : answer === 'off' ? 'nothing' : 'socketSilent'));
		return findings;
	};

	async function examineOne(
		provider: Provider,
		bucket: BucketSnapshot | undefined,
		signal: AbortSignal,
	): Promise<readonly Finding[]> {
		const about = { providerId: provider.id, ...(bucket ? { bucketId: bucket.id } : {}) };
		if (bucket?.state.kind === 'needsSignIn' || bucket?.state.kind === 'signedOut')
			return [...(await examineService(provider, oauth, signal)), finding('account', 'needsSignIn', about)];
		const held = bucket?.kind === 'oauth' ? bucket.token : undefined;
		if (!bucket || !held) return examineService(provider, oauth, signal);
		// A fresh one: an expired token would be refused and say nothing.
		try {
			const request = { providerId: provider.id, bucketId: bucket.id, deadlineMs: 15_000, purpose: 'doctor', signal };
			const issued = await service.getToken(request);
			return await examineService(provider, oauth, signal, { ...issued.token, bucketId: bucket.id });
		} catch (error) {
			signal.throwIfAborted();
			const fact = isAuthError(error) && ENDED.has(error.code) ? 'needsSignIn' : 'unknown';
			const reached = await examineService(provider, oauth, signal);
			// A service that cannot be reached renews nothing; that is one trouble and not two.
			const isExplained = fact === 'unknown' && reached.some(({ verdict }) => verdict === 'broken');
			return isExplained
				? reached
				: [
						...reached,
						finding('account', fact, {
							...about,
							...(isAuthError(error) ? { code: error.code } : {}),
							cause: describeError(error),
						}),
					];
		}
	}
}
