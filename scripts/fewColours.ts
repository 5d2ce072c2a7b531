/** A picture in so few colours that a palette holds them, with shades that nobody tells from the true ones. */

const CHANNELS = 4;

/**
 * Takes the most common colours as they are, then always the one that is farthest from all that were taken; every pixel gets the
 * nearest.
 * @param pixels red, green, blue and opacity of each pixel.
 * @param common how many colours to take by how common they are; `most` how many in all.
 */
export function fewColours(pixels: Uint8Array, common: number, most: number): Uint8Array {
	const counts = new Map<number, number>();
	const all = new DataView(pixels.buffer, pixels.byteOffset, pixels.byteLength);
	for (let at = 0; at < pixels.length; at += CHANNELS)
		counts.set(all.getUint32(at), (counts.get(all.getUint32(at)) ?? 0) + 1);
	const colours = [...counts].sort(([a, more], [b, fewer]) => fewer - more || a - b).map(([colour]) => colour);
	const nearest = new Map(colours.map((colour) => [colour, { taken: colour, distance: Number.POSITIVE_INFINITY }]));
	let next: number | undefined;
	for (let count = 0; count < Math.min(most, colours.length); count++) {
		next = count < common ? colours[count] : farthest(nearest);
		if (next === undefined) break;
		for (const [colour, { distance }] of nearest) {
			const other = distanceOf(colour, next);
			if (other < distance) nearest.set(colour, { taken: next, distance: other });
		}
	}
	const result = new Uint8Array(pixels.length);
	const view = new DataView(result.buffer);
	for (let at = 0; at < pixels.length; at += CHANNELS)
		view.setUint32(at, nearest.get(all.getUint32(at))?.taken ?? all.getUint32(at));
	return result;
}

function farthest(nearest: ReadonlyMap<number, { readonly distance: number }>): number | undefined {
	let found: number | undefined;
	let most = 0;
	for (const [colour, { distance }] of nearest) if (distance > most) [found, most] = [colour, distance];
	return found;
}

function distanceOf(a: number, b: number): number {
	return [24, 16, 8, 0].reduce((sum, shift) => sum + (((a >>> shift) & 255) - ((b >>> shift) & 255)) ** 2, 0);
}
