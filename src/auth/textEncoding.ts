/** Text that is not UTF-8: what Notepad and PowerShell write as "Unicode" is UTF-16, and a person can be told so. */

/** A few characters are enough to know; English and JSON have a NUL in each. */
const LOOKED_AT_BYTES = 64;

/** Whether bytes are UTF-16: by their byte order mark, or because every second of the first ones is NUL. */
export function isUtf16(bytes: Uint8Array): boolean {
	const [first, second] = bytes;
	if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
	const start = bytes.subarray(0, Math.min(LOOKED_AT_BYTES, bytes.length & ~1));
	const nuls = (offset: number): boolean => start.every((byte, index) => (byte === 0) === (index % 2 === offset));
	return start.length > 0 && (nuls(0) || nuls(1));
}
