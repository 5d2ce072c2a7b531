/** Makes the modes of the files in a zip file the same on every machine, whatever the umask of who packages. */

const END_OF_DIRECTORY = Buffer.from([0x50, 0x4b, 0x05, 0x06]);
const ENTRY = 0x02014b50;

/** A regular file that everybody may read, in the upper half of the external attributes. */
const ATTRIBUTES = (0o100644 << 16) >>> 0;

/** Changes `zip` in place. Throws if it is no zip file. */
export function unifyModes(zip: Buffer): void {
	const end = zip.lastIndexOf(END_OF_DIRECTORY);
	if (end < 0) throw new Error('this is no zip file');
	const count = zip.readUInt16LE(end + 10);
	let at = zip.readUInt32LE(end + 16);
	for (let index = 0; index < count; index++) {
		if (zip.readUInt32LE(at) !== ENTRY) throw new Error('the directory of the zip file is damaged');
		zip.writeUInt32LE(ATTRIBUTES, at + 38);
		at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
	}
}
