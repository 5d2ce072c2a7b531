/**
 * Keys in files of mode 0600 in the vault folder. Whoever reads the folder can then open the vault, so this store is used
 * only where SecretStorage cannot be relied on: web hosts (recovery copy) and by the person's consent.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Disk, errorCode } from './disk.ts';
import type { KeyStore } from './keyStore.ts';
import { KEY_BYTES, keyIdOf } from './sealing.ts';

/** As `keyIdOf` makes them. */
const KEY_ID = /^[0-9a-f]{32}$/;

export function createKeyFile(folder: string, disk: Disk): KeyStore {
	const pathOf = (keyId: string): string => join(folder, `${keyId}.key`);
	return {
		name: 'keyFile',
		async read(keyId) {
			// It comes from a file: one that is no key id names no file of ours, and must not lead out of the folder.
			if (!KEY_ID.test(keyId)) return { kind: 'absent' };
			try {
				const key = Buffer.from((await disk.readFile(pathOf(keyId))).toString('utf8').trim(), 'base64');
				if (key.length !== KEY_BYTES || keyIdOf(key) !== keyId)
					return { kind: 'unreadable', cause: new Error('the key file does not hold the key of its name') };
				return { kind: 'key', key };
			} catch (error) {
				return errorCode(error) === 'ENOENT' ? { kind: 'absent' } : { kind: 'unreadable', cause: error };
			}
		},
		async write(keyId, key) {
			await disk.makeFolder(folder);
			const temp = join(folder, `${keyId}.${randomBytes(8).toString('hex')}.tmp`);
			try {
				await disk.writeNew(temp, Buffer.from(`${key.toString('base64')}\n`));
				await disk.rename(temp, pathOf(keyId));
			} catch (error) {
				await disk.unlink(temp).catch(() => undefined); // The failed write is what the caller must hear of.
				throw error;
			}
			await disk.syncFolder(folder);
		},
		onDidChange: () => ({ dispose() {} }),
	};
}
