/**
 * A zip file packed anew: as small as deflate can be, JSON without white space, and the same bytes on every machine. Node's
 * zlib packs differently from one processor to another, and modes follow the umask of who packages.
 * APPNOTE.TXT, sections 4.3 and 4.4 (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { deflateAsync } from '@gfx/zopfli';

const END_OF_DIRECTORY = Buffer.from([0x50, 0x4b, 0x05, 0x06]);
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;

/** More find next to nothing in files of this size. */
const ITERATIONS = 5;

/** 2.0: deflate. */
const VERSION = 20;
/** Made on Unix, whose modes the attributes are. */
const MADE_BY = (3 << 8) | VERSION;
/** Names are UTF-8. */
const FLAGS = 1 << 11;
/** A regular file that everybody may read, in the upper half of the external attributes. */
const ATTRIBUTES = (0o100644 << 16) >>> 0;
/** 1980-01-01, the first that a zip file can say. */
const DATE = (1 << 5) | 1;

type Entry = { readonly name: Buffer; readonly bytes: Buffer };

/**
 * Throws if it is no zip file, or not one of stored and deflated files.
 * @param rewrite what a file shall hold instead.
 */
export async function tightZip(
	zip: Buffer,
	rewrite: (name: string, bytes: Buffer) => Buffer = (_name, bytes) => bytes,
): Promise<Buffer> {
	const entries = entriesOf(zip).map(({ name, bytes }) => ({ name, bytes: rewrite(name.toString('utf8'), bytes) }));
	const files: Buffer[] = [];
	const directory: Buffer[] = [];
	let offset = 0;
	for (const { name, bytes } of entries) {
		const deflated = Buffer.from(await deflateAsync(bytes, { numiterations: ITERATIONS }));
		const isSmaller = deflated.length < bytes.length;
		if (isSmaller && !inflateRawSync(deflated).equals(bytes)) throw new Error(`${name} was packed wrongly`);
		const data = isSmaller ? deflated : bytes;
		// What the file and the directory say alike.
		const about = Buffer.alloc(26);
		about.writeUInt16LE(VERSION, 0);
		about.writeUInt16LE(FLAGS, 2);
		about.writeUInt16LE(isSmaller ? DEFLATED : STORED, 4);
		about.writeUInt16LE(DATE, 8);
		about.writeUInt32LE(crc32(bytes), 10);
		about.writeUInt32LE(data.length, 14);
		about.writeUInt32LE(bytes.length, 18);
		about.writeUInt16LE(name.length, 22);
		const local = Buffer.concat([uint32(LOCAL), about, name, data]);
		const entry = Buffer.alloc(46 - 32);
		entry.writeUInt32LE(ATTRIBUTES, 6);
		entry.writeUInt32LE(offset, 10);
		directory.push(uint32(ENTRY), uint16(MADE_BY), about, entry, name);
		files.push(local);
		offset += local.length;
	}
	const end = Buffer.alloc(22);
	end.set(END_OF_DIRECTORY);
	end.writeUInt16LE(entries.length, 8);
	end.writeUInt16LE(entries.length, 10);
	end.writeUInt32LE(Buffer.concat(directory).length, 12);
	end.writeUInt32LE(offset, 16);
	return Buffer.concat([...files, ...directory, end]);
}

function entriesOf(zip: Buffer): Entry[] {
	const end = zip.lastIndexOf(END_OF_DIRECTORY);
	if (end < 0) throw new Error('this is no zip file');
	let at = zip.readUInt32LE(end + 16);
	return Array.from({ length: zip.readUInt16LE(end + 10) }, () => {
		if (zip.readUInt32LE(at) !== ENTRY) throw new Error('the directory of the zip file is damaged');
		const [method, size, nameLength] = [
			zip.readUInt16LE(at + 10),
			zip.readUInt32LE(at + 20),
			zip.readUInt16LE(at + 28),
		];
		const local = zip.readUInt32LE(at + 42);
		const name = Buffer.from(zip.subarray(at + 46, at + 46 + nameLength));
		// The lengths in front of the data may differ from those in the directory.
		const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
		const packed = zip.subarray(data, data + size);
		const bytes = method === STORED ? Buffer.from(packed) : method === DEFLATED ? inflateRawSync(packed) : undefined;
		if (bytes === undefined) throw new Error(`${name} is packed in another way than deflate`);
		if (crc32(bytes) !== zip.readUInt32LE(at + 16)) throw new Error(`${name} is damaged`);
		at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
		return { name, bytes: name.toString().endsWith('.json') ? compact(bytes) : bytes };
	});
}

/** The same JSON without the white space, which is for people who edit it. */
function compact(json: Buffer): Buffer {
	return Buffer.from(JSON.stringify(JSON.parse(json.toString('utf8'))));
}

function uint16(value: number): Buffer {
	const bytes = Buffer.alloc(2);
	bytes.writeUInt16LE(value);
	return bytes;
}

function uint32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(value);
	return bytes;
}
