/**
 * A WebP picture without the colour profile that browsers add: it is that of sRGB, which holds without one as well.
 * RFC 9649, section 2.
 */

/** Chunks of the simple formats, which need no other. */
const PICTURE = /^VP8[ L]$/;

/** @returns the picture alone; what is no WebP of one picture comes back as it is. */
export function plainWebp(webp: Buffer): Buffer {
	if (webp.toString('latin1', 0, 4) !== 'RIFF' || webp.toString('latin1', 8, 12) !== 'WEBP') return webp;
	for (let at = 12; at + 8 <= webp.length; ) {
		const size = webp.readUInt32LE(at + 4);
		const end = at + 8 + size + (size % 2);
		if (PICTURE.test(webp.toString('latin1', at, at + 4))) {
			const chunk = webp.subarray(at, end);
			const head = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
			head.writeUInt32LE(4 + chunk.length, 4);
			return Buffer.concat([head, chunk]);
		}
		at = end;
	}
	return webp;
}
