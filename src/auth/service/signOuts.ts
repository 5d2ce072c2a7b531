/** Leaving an account: here, or at the server as well. Each is final in every window and wins over a refresh in flight. */
import type { OAuthCredential } from '../credential.ts';
import { AuthError } from '../errors.ts';
import { describeError, fingerprint, type Logger } from '../log.ts';
import type { OAuthDeps } from '../oauth/deps.ts';
import { withOlderOrigin } from '../origin.ts';
import type { Provider } from '../provider.ts';
import type { SignOutMode } from '../service.ts';
import { letGo } from './custody.ts';
import type { Place, Shelves } from './shelves.ts';

/** Telling the server of a sign-out may take no longer; a token that could not be revoked ends by itself. */
const REVOCATION_DEADLINE_MS = 15_000;

export type SignOuts = {
	/** See {@link AuthService.signOut}. */
	signOut(providerId: string, bucketId: string, mode?: SignOutMode): Promise<void>;
	/** See {@link AuthService.endSessionAddress}. */
	endSessionAddress(providerId: string): Promise<string | undefined>;
};

export function createSignOuts(options: {
	readonly shelves: Shelves;
	readonly providerOf: (providerId: string) => Provider;
	readonly oauth: OAuthDeps;
	readonly loaded: Promise<void>;
	readonly log: Logger;
}): SignOuts {
	const { shelves, providerOf, log } = options;

	async function signOut(providerId: string, bucketId: string, mode: SignOutMode = 'leave'): Promise<void> {
		await options.loaded;
		const place = shelves.find(providerId, bucketId);
		if (!place) return;
		const revoked = mode === 'revoke' ? await revokeFirst(providerId, place) : undefined;
		const last = await letGo(place.open.shelf, { providerId, bucketId });
		log.info(`sign-out: ${providerId}, bucket ${bucketId}`);
		await shelves.readAll(place.open);
		// Another window may have renewed it meanwhile: what it stored last is revoked as well.
		if (mode !== 'forget' && last?.kind === 'oauth' && last.refreshToken !== revoked?.refreshToken)
			void tellServer(providerId, withOlderOrigin(last, place.bucket.origin));
	}

	/** The record stays if the server cannot be told, so that the person can try again or insist. */
	async function revokeFirst(providerId: string, { open, bucket }: Place): Promise<OAuthCredential | undefined> {
		const reading = await open.shelf.vault.read({ providerId, bucketId: bucket.id });
		if (reading.kind !== 'credential' || reading.credential.kind !== 'oauth') return undefined;
		const credential = withOlderOrigin(reading.credential, bucket.origin);
		const detail = { provider: providerId };
		const { revoke } = await import('../oauth/revocation.ts');
		const result = await revoke(providerOf(providerId), credential, options.oauth, deadline());
		if (result.kind === 'unsupported')
			throw new AuthError('configuration', 'the service offers no revocation (RFC 7009)', { detail });
		if (result.kind === 'failed' && result.code === 'service_changed')
			throw new AuthError('service_changed', 'another service is not told of it', { detail });
		if (result.kind === 'failed')
			throw new AuthError('transient', 'the server did not revoke the grant; nothing was signed out', { detail });
		log.info(`sign-out: the grant behind token ${fingerprint(credential.accessToken)} was revoked`);
		return credential;
	}

	/** The account is gone here whatever the server says. */
	async function tellServer(providerId: string, credential: OAuthCredential): Promise<void> {
		try {
			const { revoke } = await import('../oauth/revocation.ts');
			const result = await revoke(providerOf(providerId), credential, options.oauth, deadline());
			log.info(`sign-out: revocation ${result.kind}`);
		} catch (error) {
			log.warn(`sign-out: the server was not told (${describeError(error)})`);
		}
	}

	return {
		signOut,
		async endSessionAddress(providerId) {
			const { endSessionAddress } = await import('../oauth/endSession.ts');
			return endSessionAddress(providerOf(providerId), options.oauth, deadline());
		},
	};
}

function deadline(): AbortSignal {
	return AbortSignal.timeout(REVOCATION_DEADLINE_MS);
}
