/** Reads a zip file, as far as a VSIX needs it: names and contents, stored or deflated. */
import { inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const ENTRY = 0x02014b50;
const DEFLATED = 8;

/** The files by name. Throws if it is no zip file. */
export function readZip(zip: Buffer): ReadonlyMap<string, Buffer> {
	const files = new Map<string, Buffer>();
	const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
	if (end < 0 || zip.readUInt32LE(end) !== END_OF_DIRECTORY) throw new Error('this is no zip file');
	const count = zip.readUInt16LE(end + 10);
	let at = zip.readUInt32LE(end + 16);
	for (let index = 0; index < count; index++) {
		if (zip.readUInt32LE(at) !== ENTRY) throw new Error('the directory of the zip file is damaged');
		const method = zip.readUInt16LE(at + 10);
		const size = zip.readUInt32LE(at + 20);
		const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset));
		const header = zip.readUInt32LE(at + 42);
		const name = zip.toString('utf8', at + 46, at + 46 + (nameLength ?? 0));
		// The lengths in front of the data may differ from those in the directory.
		const data = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
		const bytes = zip.subarray(data, data + size);
		files.set(name, method === DEFLATED ? inflateRawSync(bytes) : Buffer.from(bytes));
		at += 46 + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0);
	}
	return files;
}
