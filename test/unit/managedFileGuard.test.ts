/** A file of an organisation that others than administrators could have written is not believed. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { distrustOf, othersMayWrite } from '../../src/auth/managedFileGuard.ts';
import { readManagedProviders } from '../../src/auth/managedProviders.ts';
import { tempFolder } from '../support/tempFolder.ts';

const ENTRY = { acme: { type: 'oidc', issuer: 'https://login.example.com', clientId: 'me' } };
const posix = { skip: process.platform === 'win32' };

async function place(
	t: TestContext,
): Promise<{ readonly root: string; readonly folder: string; readonly file: string }> {
	const root = realpathSync(await tempFolder(t));
	const folder = path.join(root, 'agent-auth');
	mkdirSync(folder, { mode: 0o755 });
	chmodSync(root, 0o755);
	chmodSync(folder, 0o755);
	const file = path.join(folder, 'providers.json');
	writeFileSync(file, JSON.stringify(ENTRY));
	chmodSync(file, 0o644);
	return { root, folder, file };
}

describe('the file of an organisation', posix, () => {
	it('is read where only administrators and the person can write it', async (t) => {
		const { file } = await place(t);
		assert.equal(othersMayWrite(file, 'linux'), undefined);
		assert.equal(readManagedProviders(file).kind, 'read');
	});

	const MODES: readonly (readonly ['file' | 'folder' | 'root', number, RegExp])[] = [
		['file', 0o666, /by everybody/],
		['file', 0o664, /by a group/],
		['folder', 0o777, /by everybody/],
		['folder', 0o775, /by a group/],
		['root', 0o777, /by everybody/],
	];
	for (const [what, mode, why] of MODES)
		it(`is ignored where its ${what} has the mode ${mode.toString(8)}`, async (t) => {
			const at = await place(t);
			chmodSync(at[what], mode);
			const read = readManagedProviders(at.file);
			assert.ok(read.kind === 'foreign');
			assert.match(read.why, why);
			assert.ok(read.why.startsWith(at[what]));
		});

	it('is read in a folder where others may add files and take none away', async (t) => {
		const { root, file } = await place(t);
		chmodSync(root, 0o1777);
		assert.equal(readManagedProviders(file).kind, 'read');
	});

	it('is ignored where a link leads to a place that others can write', async (t) => {
		const { root, folder } = await place(t);
		const open = path.join(root, 'open');
		mkdirSync(open);
		writeFileSync(path.join(open, 'theirs.json'), JSON.stringify(ENTRY));
		chmodSync(open, 0o777);
		const link = path.join(folder, 'linked.json');
		symlinkSync(path.join(open, 'theirs.json'), link);
		assert.equal(readManagedProviders(link).kind, 'foreign');
		chmodSync(open, 0o755);
		assert.equal(readManagedProviders(link).kind, 'read');
	});

	// Who is not root can make nothing that is another user's.
	for (const what of ['file', 'folder'] as const)
		it(`is ignored where its ${what} is another user's`, { skip: process.getuid?.() !== 0 }, async (t) => {
			const at = await place(t);
			chownSync(at[what], 54_321, 54_321);
			const read = readManagedProviders(at.file);
			assert.ok(read.kind === 'foreign');
			assert.match(read.why, /belongs to another user/);
		});

	it('is absent where there is none, whoever may make one', async (t) => {
		const { folder, file } = await place(t);
		chmodSync(folder, 0o777);
		assert.deepEqual(readManagedProviders(`${file}.none`), { kind: 'absent' });
	});

	it('may be written by the administrators of macOS', async (t) => {
		const { folder, file } = await place(t);
		if (process.getuid?.() === 0) chownSync(folder, 0, 80);
		chmodSync(folder, 0o775);
		if (process.getuid?.() === 0) assert.equal(othersMayWrite(file, 'darwin'), undefined);
		assert.match(othersMayWrite(file, 'linux') ?? '', /by a group/);
	});
});

describe('the file of an organisation on Windows', () => {
	const ADMINS = 'O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)';
	/** As an administrator makes it below `%ProgramData%`: users may add files. */
	const FOLDER =
		'O:BAG:SYD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)';
	const SOMEBODY = 'S-1-5-21-1004336348-1177238915-682003330-1001';

	it('is believed where it and its folder are the administrators’', () => {
		assert.equal(distrustOf([ADMINS, FOLDER]), undefined);
		for (const owner of ['SY', 'S-1-5-18', 'S-1-5-21-1004336348-1177238915-682003330-512'])
			assert.equal(distrustOf([ADMINS.replace('O:BA', `O:${owner}`), FOLDER]), undefined);
		// Explorer adds the account of an administrator who looks into the folder.
		assert.equal(distrustOf([`${ADMINS}(A;;FA;;;${SOMEBODY})`, FOLDER]), undefined);
		assert.equal(distrustOf([`${ADMINS}(D;;FA;;;WD)`, `${FOLDER}(A;OICIIO;FA;;;BU)`]), undefined);
	});

	it('is ignored where it or its folder is somebody’s who made it first', () => {
		assert.match(distrustOf([ADMINS.replace('O:BA', `O:${SOMEBODY}`), FOLDER]) ?? '', /^it does not belong/);
		assert.match(distrustOf([ADMINS, FOLDER.replace('O:BA', `O:${SOMEBODY}`)]) ?? '', /^its folder/);
		assert.match(distrustOf([ADMINS.replace('O:BA', 'O:BU'), FOLDER]) ?? '', /^it does not belong/);
	});

	for (const entry of ['(A;;FA;;;WD)', '(A;;FW;;;BU)', '(A;;0x1301bf;;;AU)', '(A;;GA;;;IU)', '(A;ID;CCDC;;;S-1-1-0)'])
		it(`is ignored where everybody can write it: ${entry}`, () =>
			assert.equal(distrustOf([ADMINS + entry, FOLDER]), 'everybody can write it'));

	it('is ignored where everybody can replace it', () => {
		assert.equal(distrustOf([ADMINS, `${FOLDER}(A;;FA;;;AU)`]), 'everybody can replace it');
		assert.equal(distrustOf([ADMINS, `${FOLDER}(A;;WO;;;BU)`]), 'everybody can replace it');
	});

	it('is ignored where there is no list at all, or nothing can be found out', () => {
		assert.equal(distrustOf(['O:BAG:SY', FOLDER]), 'everybody can write it');
		assert.equal(distrustOf(['O:BAG:SYD:NO_ACCESS_CONTROL', FOLDER]), 'everybody can write it');
		for (const nothing of [[], [ADMINS], ['', '']]) assert.ok(distrustOf(nothing));
		// There is no PowerShell where the environment says that the system is.
		assert.ok(othersMayWrite('C:\\none\\providers.json', 'win32', { SystemRoot: '/nonexistent' }));
	});
});
