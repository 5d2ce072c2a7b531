/** Reminds of sign-ins that end soon: quietly, once per end, by one window for all. */
import * as vscode from 'vscode';
import type { Clock } from '../../auth/clock.ts';
import { createDisposables, type Disposable } from '../../auth/event.ts';
import { describeError, type Logger } from '../../auth/log.ts';
import type { AuthService } from '../../auth/service.ts';
import { bucketTitle } from '../accounts/bucketWords.ts';
import { display } from '../display.ts';
import { durationText } from '../durationText.ts';
import type { CommandId } from '../ids.ts';
import { plain } from '../localizer.ts';
import { type ExpiringSignIn, expiringSignIns } from './expiringSignIns.ts';

/** Days are reminded of; a look per hour is enough, and one at every change. */
const LOOK_EVERY_MS = 60 * 60_000;

/** Servers say the end as seconds from now, so it wavers. Another sign-in moves it by more. */
const SAME_END_MS = 60 * 60_000;

export function followExpiringSignIns(service: AuthService, clock: Clock, log: Logger): Disposable {
	const disposables = createDisposables();
	/** What this window has asked about already; the state that all windows share decides who speaks. */
	const seen = new Map<string, number>();
	let timer: Disposable | undefined;

	async function remind({ bucket, end }: ExpiringSignIn): Promise<void> {
		if (!vscode.workspace.isTrusted || Math.abs(end.atMs - (seen.get(bucket.id) ?? 0)) <= SAME_END_MS) return;
		seen.set(bucket.id, end.atMs);
		if (!(await service.claimReminder(bucket.providerId, bucket.id, end.atMs, SAME_END_MS))) return;
		const provider = service.snapshot().providers.find(({ provider: { id } }) => id === bucket.providerId);
		const signIn = vscode.l10n.t('Sign In');
		const answer = await vscode.window.showInformationMessage(
			vscode.l10n.t(
				'The sign-in of {0} at {1} ends in {2}. Sign in again when it suits you.',
				plain(bucketTitle(bucket)),
				plain(provider?.provider.label ?? bucket.providerId),
				durationText(end.atMs - clock.now(), display),
			),
			signIn,
		);
		const command: CommandId = 'agentAuth.signIn';
		const target = { providerId: bucket.providerId, bucketId: bucket.id };
		if (answer === signIn) await vscode.commands.executeCommand(command, target);
	}

	function look(): void {
		for (const one of expiringSignIns(service.snapshot(), clock.now()))
			remind(one).catch((error: unknown) => log.warn(`reminder: ${describeError(error)}`));
	}

	function arm(): void {
		timer = clock.schedule(LOOK_EVERY_MS, () => {
			look();
			arm();
		});
	}

	disposables.add({ dispose: () => timer?.dispose() });
	disposables.add(service.onDidChange(look));
	arm();
	look();
	return disposables;
}
