/** A point in time as people read it, everywhere the same: the minute if it is today, the date as well on any other day. */
import type { Localizer } from './localizer.ts';

/** VS Code's display language, not the system's: a time stands in a sentence of that language. */
export function clockText(atMs: number, nowMs: number, { language }: Localizer): string {
	const at = new Date(atMs);
	const isToday = at.toDateString() === new Date(nowMs).toDateString();
	const style = isToday ? ({ timeStyle: 'short' } as const) : ({ dateStyle: 'medium', timeStyle: 'short' } as const);
	return new Intl.DateTimeFormat(known(language), style).format(at);
}

/** A language pack may name its language in a way that Intl refuses; times of the system are better than none. */
function known(language: string): string | undefined {
	try {
		return Intl.getCanonicalLocales(language)[0];
	} catch {
		return undefined;
	}
}
