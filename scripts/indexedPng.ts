/**
 * A PNG with a palette, which is a third of what browsers write: pictures of a user interface have few colours.
 * PNG Specification (Third Edition), sections 5 and 11.
 */
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_COLOURS = 256;
const BITS_PER_PIXEL = 8;
const INDEXED_COLOUR = 3;

/** @param pixels red, green, blue and opacity of each pixel, row by row; fine shades are joined. */
export function indexedPng(pixels: Uint8Array, width: number, height: number): Buffer {
	for (let shade = 1; ; shade++) {
		const palette = new Map<number, number>();
		// Each row begins with its filter: none, as the specification recommends for palettes.
		const rows = Buffer.alloc((width + 1) * height);
		for (let pixel = 0; pixel < width * height && palette.size <= MAX_COLOURS; pixel++) {
			const opacity = pixels[pixel * 4 + 3] ?? 0;
			const colour =
				[0, 1, 2].reduce((sum, part) => sum * 256 + rounded(pixels[pixel * 4 + part] ?? 0, shade), 0) * 256 + opacity;
			const index = palette.get(colour) ?? palette.size;
			palette.set(colour, index);
			rows[pixel + Math.floor(pixel / width) + 1] = index;
		}
		if (palette.size > MAX_COLOURS) continue;
		const head = Buffer.alloc(13);
		head.writeUInt32BE(width, 0);
		head.writeUInt32BE(height, 4);
		head.set([BITS_PER_PIXEL, INDEXED_COLOUR], 8);
		const colours = Buffer.from(
			[...palette.keys()].flatMap((colour) => [colour / 2 ** 24, (colour >> 16) & 255, (colour >> 8) & 255]),
		);
		const opacities = Buffer.from([...palette.keys()].map((colour) => colour & 255));
		const isOpaque = opacities.every((opacity) => opacity === 255);
		const data = deflateSync(rows, { level: 9 });
		const transparency = isOpaque ? [] : [chunk('tRNS', opacities)];
		return Buffer.concat([
			...[SIGNATURE, chunk('IHDR', head), chunk('PLTE', colours), ...transparency],
			...[chunk('IDAT', data), chunk('IEND')],
		]);
	}
}

function rounded(value: number, shade: number): number {
	return Math.min(255, Math.round(value / shade) * shade);
}

function chunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
	const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
	const frame = Buffer.alloc(8);
	frame.writeUInt32BE(data.length, 0);
	frame.writeUInt32BE(crc32(body), 4);
	return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
