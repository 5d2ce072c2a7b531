/** The turn of the minute, for texts with times in them. One timer for all, and none while nobody listens. */
import type { Clock } from '../../auth/clock.ts';
import type { Disposable } from '../../auth/event.ts';

/** Calls back at every full minute until the result is disposed. */
export type Ticks = (listener: () => void) => Disposable;

const MINUTE_MS = 60_000;

export function createMinuteTicks(clock: Pick<Clock, 'now' | 'schedule'>): Ticks {
	const listeners = new Set<() => void>();
	let timer: Disposable | undefined;

	function arm(): void {
		timer = clock.schedule(MINUTE_MS - (clock.now() % MINUTE_MS), () => {
			timer = undefined;
			for (const listener of [...listeners]) listener();
			if (listeners.size > 0) arm();
		});
	}

	return (listener) => {
		const own = (): void => listener();
		listeners.add(own);
		if (!timer) arm();
		return {
			dispose() {
				listeners.delete(own);
				if (listeners.size > 0) return;
				timer?.dispose();
				timer = undefined;
			},
		};
	};
}
