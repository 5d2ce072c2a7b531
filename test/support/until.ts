/**
 * Waiting for a condition that nobody announces: asked again and again, until a deadline that names what was awaited.
 */
import { setTimeout as delay } from 'node:timers/promises';

const CHECK_EVERY_MS = 50;
const DEADLINE_MS = 60_000;

/** Answers the first result of `look` that is neither undefined nor false. */
export async function until<T>(
	what: string,
	look: () => Promise<T | undefined | false> | T | undefined | false,
	deadlineMs = DEADLINE_MS,
): Promise<T> {
	const endMs = performance.now() + deadlineMs;
	for (;;) {
		const found = await look();
		if (found !== undefined && found !== false) {
			return found;
		}
		if (performance.now() > endMs) {
			throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
		}
		await delay(CHECK_EVERY_MS);
	}
}
