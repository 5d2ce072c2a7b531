/** Frames, descriptors and replies between terminals and windows: any bytes at all get an answer or an end. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/auth/clock.ts';
import { selfIdentity } from '../../src/auth/lease/processIdentity.ts';
import { readDescriptors } from '../../src/auth/terminal/descriptor.ts';
import { createLineBuffer } from '../../src/auth/terminal/lineBuffer.ts';
import { MAX_FRAME_BYTES, parseReply, parseRequest, SECRET_LENGTH } from '../../src/auth/terminal/protocol.ts';
import { listen } from '../../src/auth/terminal/server.ts';
import { sweepDescriptors } from '../../src/auth/terminal/sweep.ts';
import { damage, damaged, fuzz } from '../support/fuzz.ts';
import { createRecordingLog } from '../support/recordingLog.ts';
import { tempFolder } from '../support/tempFolder.ts';

const SECRET = 'ab'.repeat(SECRET_LENGTH / 2);

const REQUEST = {
	version: 1,
	kind: 'token',
	provider: 'acme',
	bucket: 'work',
	minTtlS: 60,
	ancestors: [10, 9, 8],
	cwd: '/home/me',
	signIn: true,
};

test('a damaged request is a request or a code', async () => {
	await fuzz('requests of terminals', damage, { cases: 600 }, (what, tally) => {
		if (what.kind !== 'none') tally.fault();
		const parsed = parseRequest(damaged(REQUEST, what).toString('utf8'));
		if (parsed.kind === 'invalid') return assert.ok(['bad_request', 'unsupported_version'].includes(parsed.code));
		if (parsed.request.kind !== 'token') return;
		assert.ok(parsed.request.provider.length <= 256 && parsed.request.cwd.length <= 8192);
		assert.ok(parsed.request.ancestors.every((pid) => Number.isSafeInteger(pid) && pid > 0));
	});
});

test('a damaged reply never brings a control character to a terminal', async () => {
	const replies = [
		{ version: 1, kind: 'token', accessToken: 'abc', expiresAtMs: 1 },
		{ version: 1, kind: 'progress', step: 'accepted' },
		{ version: 1, kind: 'error', code: 'locked', retryAtMs: 5 },
		{ version: 1, kind: 'providers', providers: [{ id: 'a', label: 'A', state: 'signedIn' }] },
	];
	await fuzz(
		'replies of windows',
		fc.tuple(fc.constantFrom(...replies), damage),
		{ cases: 600 },
		([reply, what], tally) => {
			if (what.kind !== 'none') tally.fault();
			const parsed = parseReply(damaged(reply, what).toString('utf8'));
			if (parsed?.kind === 'token') assert.doesNotMatch(parsed.accessToken, /\p{Cc}/u);
		},
	);
});

test('lines are found however the bytes are cut, and never more is held than allowed', async () => {
	await fuzz(
		'cut frames',
		fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
		{ cases: 500 },
		(chunks, tally) => {
			tally.fault();
			const buffer = createLineBuffer(256);
			const lines: Buffer[] = [];
			let tooLarge = false;
			for (const chunk of chunks) {
				const pushed = buffer.push(Buffer.from(chunk));
				lines.push(...pushed.lines);
				assert.ok(buffer.size <= 256);
				tooLarge = pushed.tooLarge;
				if (tooLarge) break;
			}
			const all = Buffer.concat(chunks);
			const expected = all.toString('latin1').split('\n');
			const seen = lines.map((line) => line.toString('latin1'));
			assert.deepEqual(seen, expected.slice(0, seen.length));
			if (!tooLarge) assert.equal(seen.length, expected.length - 1);
		},
	);
});

test('whatever a socket is sent, it answers or ends, and without the secret nobody is asked', async (t) => {
	const folder = await tempFolder(t);
	const address = join(folder, 's');
	const handled: unknown[] = [];
	const log = createRecordingLog();
	const server = await listen({
		address,
		secret: SECRET,
		handle: async (request) => {
			handled.push(request);
			return { kind: 'pong', pid: 1 };
		},
		clock: systemClock,
		log,
		limits: { receiveMs: 150, handleMs: 1000, closeMs: 100, connections: 64 },
	});
	t.after(() => server.dispose());
	const head = fc.oneof(
		fc.constant(SECRET),
		fc.nat(SECRET_LENGTH - 1).map((length) => SECRET.slice(0, length)),
		fc.constant(`${SECRET.slice(0, -1)}0`),
		fc.constant('GET / HTTP/1.1\r\n'),
		fc.string({ unit: 'binary', maxLength: 80 }),
	);
	const frame = fc.tuple(head, damage, fc.boolean(), fc.integer({ min: 1, max: 5 }), fc.boolean());
	await fuzz(
		'frames at a socket',
		frame,
		{ cases: 120, limitMs: 4000 },
		async ([start, what, newline, pieces, end], tally) => {
			const isRight = start === SECRET;
			if (!isRight || what.kind !== 'none') tally.fault();
			const before = handled.length;
			const bytes = Buffer.concat([Buffer.from(`${start} `), damaged(REQUEST, what), Buffer.from(newline ? '\n' : '')]);
			const answer = await talk(address, bytes, pieces, end);
			if (!isRight) assert.equal(handled.length, before);
			assert.ok(!answer.includes(SECRET));
			// The launcher's short cut speaks HTTP; everything else is lines of JSON.
			if (answer.startsWith('HTTP/1.1 ')) return;
			for (const line of answer.split('\n').slice(0, -1)) assert.doesNotThrow(() => JSON.parse(line), line);
		},
	);
	// It still serves.
	const answer = await talk(address, Buffer.from(`${SECRET} {"version":1,"kind":"ping"}\n`), 1, false);
	assert.match(answer, /pong/);
	assert.ok(log.lines.every((line) => !line.includes(SECRET)));
});

function talk(address: string, bytes: Buffer, pieces: number, end: boolean): Promise<string> {
	return new Promise((resolve) => {
		const socket = net.connect(address);
		let answer = '';
		socket.on('data', (chunk) => {
			answer += chunk.toString('utf8');
		});
		// Cut off in the middle of what it sends is an end like any other.
		socket.on('error', () => undefined);
		socket.on('close', () => resolve(answer));
		const size = Math.max(1, Math.ceil(bytes.length / pieces));
		for (let at = 0; at < Math.max(1, bytes.length); at += size) socket.write(bytes.subarray(at, at + size));
		if (end) socket.end();
	});
}

test('damaged descriptors are unusable, and sweeping them removes nothing elsewhere', async (t) => {
	const folder = await tempFolder(t);
	const [run, sockets, elsewhere] = ['run', 'sockets', 'elsewhere'].map((name) => join(folder, name));
	if (run === undefined || sockets === undefined || elsewhere === undefined) assert.fail();
	for (const made of [run, sockets, elsewhere]) mkdirSync(made, { mode: 0o700 });
	const mine = join(elsewhere, 'mine');
	writeFileSync(mine, 'mine');
	const self = await selfIdentity();
	const descriptor = {
		version: 1,
		process: { ...self, startTime: 'another' },
		socket: mine,
		secret: SECRET,
		workspaceFolders: ['/w'],
		nodePath: '/usr/bin/node',
		helperPath: join(elsewhere, 'mine'),
		createdAtMs: 5,
	};
	const place = fc.constantFrom(
		mine,
		join(sockets, '..', 'elsewhere', 'mine'),
		'../elsewhere/mine',
		join(sockets, 'gone'),
		'.',
	);
	await fuzz('descriptors', fc.tuple(damage, place), { cases: 100, limitMs: 6000 }, async ([what, socket], tally) => {
		if (what.kind !== 'none') tally.fault();
		const file = join(run, '000000000000005-1-aa.json');
		writeFileSync(file, damaged({ ...descriptor, socket }, what), { mode: 0o600 });
		chmodSync(file, 0o600);
		const [entry] = await readDescriptors(run);
		assert.ok(entry !== undefined);
		await sweepDescriptors({ runFolder: run, socketFolder: sockets, self, clock: systemClock });
		assert.equal(readFileSync(mine, 'utf8'), 'mine');
		assert.deepEqual(readdirSync(folder).sort(), ['elsewhere', 'run', 'sockets']);
		rmSync(file, { force: true });
	});
});

test('a frame of the greatest length is read in time', () => {
	const startedAt = performance.now();
	assert.equal(parseRequest('['.repeat(MAX_FRAME_BYTES)).kind, 'invalid');
	assert.equal(parseRequest(`{"version":1,"kind":"${'x'.repeat(MAX_FRAME_BYTES)}"}`).kind, 'invalid');
	assert.ok(performance.now() - startedAt < 1000);
});
