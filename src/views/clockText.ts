/** A point in time as people read it: the hour if it is today, the date as well on any other day. */

export function clockText(atMs: number, nowMs: number): string {
	const at = new Date(atMs);
	const isToday = at.toDateString() === new Date(nowMs).toDateString();
	return isToday ? at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }) : at.toLocaleString();
}
