/** Chance that can be repeated: all of a soak's decisions come from one printed seed. Timing still differs between runs. */

export type Dice = {
	/** From `from` up to, and not including, `to`. */
	between(from: number, to: number): number;
	chance(probability: number): boolean;
	pick<T>(things: readonly T[]): T | undefined;
};

/** Mulberry32: small, fast, and good enough to choose what goes wrong next. */
export function createDice(seed: number): Dice {
	let state = seed >>> 0;
	function next(): number {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	}
	return {
		between: (from, to) => from + (to - from) * next(),
		chance: (probability) => next() < probability,
		pick: (things) => things[Math.floor(next() * things.length)],
	};
}
