/** Tells the person that a sign-in has ended: once per credential and reason, by one window for all. */
import * as vscode from 'vscode';
import { AuthError } from '../../auth/errors.ts';
import type { Disposable } from '../../auth/event.ts';
import { describeError, type Logger } from '../../auth/log.ts';
import type { AuthService } from '../../auth/service.ts';
import type { BucketSnapshot } from '../../auth/snapshot.ts';
import type { Failures } from '../failures.ts';

export function followCredentialNotices(service: AuthService, failures: Failures, log: Logger): Disposable {
	/** What this window has asked about already; the state that all windows share decides who speaks. */
	const seen = new Set<string>();

	async function consider(bucket: BucketSnapshot): Promise<void> {
		if (bucket.state.kind !== 'needsSignIn' || !vscode.workspace.isTrusted) return;
		const { reason } = bucket.state;
		const key = `${bucket.id} ${bucket.generation} ${reason}`;
		if (seen.has(key)) return;
		seen.add(key);
		if (!(await service.claimMessage(bucket.providerId, bucket.id, reason))) return;
		failures.show(new AuthError(reason, 'the sign-in has ended', { detail: { provider: bucket.providerId } }));
	}

	function look(): void {
		for (const { buckets } of service.snapshot().providers)
			for (const bucket of buckets)
				consider(bucket).catch((error: unknown) => log.warn(`notice: ${describeError(error)}`));
	}

	look();
	return service.onDidChange(look);
}
