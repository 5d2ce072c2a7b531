/**
 * The few functions of the process that simulated code reaches past its clock: the timers and the time of proper-lockfile's
 * heartbeat, and chance. While a step of a simulated process runs they are that process's, else the real ones.
 */
import type { World } from './world.ts';

let world: World | undefined;

/** The world whose steps run now. */
export function useWorld(next: World | undefined): void {
	world = next;
}

/** Takes the functions over; the result gives them back. */
export function takeProcessTime(): () => void {
	const real = { setTimeout, clearTimeout, now: Date.now, random: Math.random };
	const set = replace(globalThis, 'setTimeout', (callback: () => void, delayMs = 0, ...rest: unknown[]) => {
		const actor = world?.current();
		if (!world || !actor) return Reflect.apply(real.setTimeout, undefined, [callback, delayMs, ...rest]);
		return world.clockOf(actor).schedule(delayMs, callback);
	});
	const clear = replace(globalThis, 'clearTimeout', (timer: unknown) => {
		if (isDisposable(timer)) timer.dispose();
		else Reflect.apply(real.clearTimeout, undefined, [timer]);
	});
	const now = replace(Date, 'now', () => (world?.current() ? world.nowMs() : real.now()));
	const random = replace(Math, 'random', () => (world?.current() ? world.random() : real.random()));
	return () => {
		for (const giveBack of [set, clear, now, random]) giveBack();
	};
}

/** Not the test runner's mocks, which keep every call, and with it the world that it was made in. */
function replace(owner: object, name: string, value: unknown): () => void {
	const before = Object.getOwnPropertyDescriptor(owner, name) ?? {};
	Object.defineProperty(owner, name, { ...before, value });
	return () => Object.defineProperty(owner, name, before);
}

/** Real timers have `ref`; ours have nothing but `dispose`. */
function isDisposable(timer: unknown): timer is { dispose(): void } {
	return typeof timer === 'object' && timer !== null && 'dispose' in timer && !('ref' in timer);
}
