/**
 * How the person wants the sign-out that VS Code carries out for us. VS Code asks which extensions use an account and forgets
 * what they were allowed, but it calls back with an account and nothing else, so the wish waits here. Pure.
 */
import type { AuthService, SignOutMode } from '../../auth/service.ts';

export type SignOutWishes = {
	/** What VS Code is to call: the same service, whose sign-outs follow the wish. */
	readonly service: AuthService;
	/**
	 * Runs `work`, in which VS Code may sign out of the bucket; that happens in this mode. Rejects with the failure of the
	 * sign-out itself, which VS Code passes on as a text only, or with that of `work`.
	 */
	during(bucketId: string, mode: SignOutMode, work: () => Promise<void>): Promise<void>;
};

export function createSignOutWishes(service: AuthService): SignOutWishes {
	const wishes = new Map<string, { readonly mode: SignOutMode; failure?: { readonly error: unknown } }>();
	return {
		service: {
			...service,
			async signOut(providerId, bucketId, mode) {
				const wish = wishes.get(bucketId);
				try {
					await service.signOut(providerId, bucketId, wish?.mode ?? mode);
				} catch (error) {
					if (wish) wish.failure = { error };
					throw error;
				}
			},
		},
		async during(bucketId, mode, work) {
			const wish: { readonly mode: SignOutMode; failure?: { readonly error: unknown } } = { mode };
			wishes.set(bucketId, wish);
			try {
				await work();
			} catch (error) {
				throw wish.failure ? wish.failure.error : error;
			} finally {
				if (wishes.get(bucketId) === wish) wishes.delete(bucketId);
			}
		},
	};
}
