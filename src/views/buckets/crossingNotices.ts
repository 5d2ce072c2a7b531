/** Asks in one window when an account got exhausted and only one that is billed differently is left. The question is loaded then. */
import type { Disposable } from '../../auth/event.ts';
import { describeError, type Logger } from '../../auth/log.ts';
import type { AuthService } from '../../auth/service.ts';
import type { ProviderSnapshot } from '../../auth/snapshot.ts';

export function followCrossings(service: AuthService, log: Logger): Disposable {
	/** Keys of the exhaustions that this window has looked at. */
	const seen = new Set<string>();

	async function consider(provider: ProviderSnapshot): Promise<void> {
		if (provider.automatic.kind !== 'decision') return;
		const { askOncePerExhaustion } = await import('./crossingQuestion.ts');
		await askOncePerExhaustion(service, provider, seen);
	}

	function look(): void {
		for (const provider of service.snapshot().providers)
			consider(provider).catch((error: unknown) => log.warn(`crossing question: ${describeError(error)}`));
	}

	look();
	return service.onDidChange(look);
}
