/** A window that terminals can ask: the shipped service and terminal access over a vault, without VS Code. */
import { systemClock } from '../src/auth/clock.ts';
import { createTerminalAccess } from '../src/auth/terminal/terminalAccess.ts';
import type { VaultSetup } from '../test/race/protocol.ts';
import { createRecordingLog } from '../test/support/recordingLog.ts';
import { openVaultWindow } from './vaultWindow.ts';

export type HelperOrder = {
	readonly kind: 'open';
	readonly setup: VaultSetup;
	readonly helperBundlePath: string;
	/** Of the terminal that was allowed. */
	readonly terminalPid: number;
};
export type HelperAnswer =
	| { readonly kind: 'started' }
	| { readonly kind: 'opened'; readonly bin: string }
	| { readonly kind: 'failed'; readonly reason: string };

async function open({ setup, helperBundlePath, terminalPid }: HelperOrder): Promise<HelperAnswer> {
	const { service, ready } = openVaultWindow(setup);
	await ready;
	const access = createTerminalAccess({
		service,
		globalStoragePath: setup.storagePath,
		helperBundlePath,
		log: createRecordingLog(),
		clock: systemClock,
		ask: async () => 'session',
		confirmKey: async () => false,
		policy: () => 'ask',
		workspace: () => undefined,
		version: 'bench',
		terminals: async () => [{ pid: terminalPid, name: 'bench' }],
		isTrusted: () => true,
		workspaceFolders: () => [],
	});
	await access.started;
	return { kind: 'opened', bin: access.folders.bin };
}

process.on('message', (order: HelperOrder) => {
	open(order).then(
		(answer) => process.send?.(answer),
		(error: unknown) => process.send?.({ kind: 'failed', reason: String(error) } satisfies HelperAnswer),
	);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'started' } satisfies HelperAnswer);
