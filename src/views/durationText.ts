/** How long something takes, in the largest unit that says enough. Pure. */
import type { Localizer } from './localizer.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Beyond this, hours say more than minutes; and days more than hours. */
const MANY_MINUTES = 120;
const MANY_HOURS = 48;

/** "less than a minute", "12 min", "3 h", "5 days". */
export function durationText(ms: number, l10n: Localizer): string {
	if (ms < MINUTE_MS) return l10n.t('less than a minute');
	if (ms < MANY_MINUTES * MINUTE_MS) return l10n.t('{0} min', Math.floor(ms / MINUTE_MS));
	if (ms < MANY_HOURS * HOUR_MS) return l10n.t('{0} h', Math.floor(ms / HOUR_MS));
	return l10n.t('{0} days', Math.floor(ms / DAY_MS));
}

/** "just now", "12 min ago". Clocks of two windows may differ by a little, so the future is now. */
export function agoText(atMs: number, nowMs: number, l10n: Localizer): string {
	const ms = nowMs - atMs;
	return ms < MINUTE_MS ? l10n.t('just now') : l10n.t('{0} ago', durationText(ms, l10n));
}
