/** Everything that Agent Auth says by itself. What concerns all windows is said by one of them. */
import type { Clock } from '../../auth/clock.ts';
import { createDisposables, type Disposable } from '../../auth/event.ts';
import type { Logger } from '../../auth/log.ts';
import type { AuthService } from '../../auth/service.ts';
import { followBindings } from '../buckets/bindingQuestion.ts';
import { followCrossings } from '../buckets/crossingNotices.ts';
import { followExhaustion } from '../buckets/exhaustedNotices.ts';
import type { Failures } from '../failures.ts';
import { followProviderProblems, type ProviderSettings } from '../providers/providerProblems.ts';
import { followCredentialNotices } from './credentialNotices.ts';
import { followExpiringSignIns } from './expiryReminder.ts';

export function followNotices(options: {
	readonly service: AuthService;
	readonly failures: Failures;
	readonly settings: ProviderSettings;
	readonly clock: Clock;
	readonly log: Logger;
}): Disposable {
	const { service, failures, settings, clock, log } = options;
	const disposables = createDisposables();
	disposables.add(followCredentialNotices(service, failures, log));
	disposables.add(followProviderProblems(settings, log));
	disposables.add(followCrossings(service, log));
	disposables.add(followExhaustion(service, log));
	disposables.add(followBindings(service, log));
	disposables.add(followExpiringSignIns(service, clock, log));
	return disposables;
}
