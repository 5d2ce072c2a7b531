/**
 * A key that is not there may come back: another window is storing it this moment, a keyring is being unlocked. While a
 * record waits for its key the stores are asked again, soon at first and then rarely, and whenever they say that they changed.
 */
import type { Clock } from '../clock.ts';
import type { Disposable, Event } from '../event.ts';

/** Waits between looks, and between all that follow. Cross-window delivery takes about 200 ms, an unlocked keyring minutes. */
const FIRST_WAITS_MS: readonly number[] = [500, 2_000, 5_000, 15_000];
const WAIT_MS = 60_000;

export type KeyReturnOptions = {
	readonly clock: Clock;
	readonly isWanted: () => boolean;
	/** Asks the stores again and reads the records that wait. Never rejects. */
	readonly look: () => Promise<void>;
	/** Something in a store may have changed. */
	readonly onDidChange: Event<void>;
};

/** Call `check` whenever records were read. */
export function createKeyReturn(options: KeyReturnOptions): Disposable & { check(): void } {
	let timer: Disposable | undefined;
	let attempt = 0;
	let disposed = false;

	function check(): void {
		if (disposed) return;
		if (!options.isWanted()) {
			timer?.dispose();
			timer = undefined;
			attempt = 0;
		} else if (!timer) {
			timer = options.clock.schedule(FIRST_WAITS_MS[attempt] ?? WAIT_MS, look);
			attempt++;
		}
	}

	function look(): void {
		timer?.dispose();
		timer = undefined;
		void options.look().then(check);
	}

	const subscription = options.onDidChange(() => {
		if (options.isWanted()) look();
	});
	return {
		check,
		dispose() {
			disposed = true;
			timer?.dispose();
			subscription.dispose();
		},
	};
}
