/** What is remembered has a bound, or a window that is open for weeks would remember all of them. */

/** Drops what was added first until at most `most` entries are left. */
export function keepNewest<K>(map: Map<K, unknown>, most: number): void {
	for (const key of map.keys()) {
		if (map.size <= most) return;
		map.delete(key);
	}
}
