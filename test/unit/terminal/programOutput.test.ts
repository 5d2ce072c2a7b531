/** What the program writes where the reader is slow, or gone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { EXIT_INTERNAL } from '../../../src/auth/terminal/outcome.ts';
import { until } from '../../support/until.ts';
import { place } from './programPlace.ts';

const SKIP = process.platform === 'win32' ? 'there is no sh' : false;

/** More than a pipe holds. To write it, Node makes the pipe one that does not block, for everybody who has it. */
const FILLER = "process.stdout.write('#'.repeat(1_000_000)); fs.writeFileSync('full', '')";

const SCRIPT = `
{
	"$1" -e "$3" &
	until [ -e full ]; do sleep 0.02; done
	touch begun
	"$1" "$2" --help
	echo $? >status
	wait
} | { until [ -e go ]; do sleep 0.02; done; cat; }`;

test('all of it arrives in a pipe that is full at first and does not block', { skip: SKIP }, async (t) => {
	const { program, root, run, call } = place(t);
	const child = spawn('sh', ['-c', SCRIPT, 'sh', process.execPath, program, FILLER], {
		...{ cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH, AGENT_AUTH_RUN: run } },
	});
	t.after(() => child.kill('SIGKILL'));
	const isThere = (name: string): boolean => fs.existsSync(path.join(root, name));
	await until('the pipe is full', () => isThere('begun'));
	// It waits for room, as it does in front of a pipe that blocks.
	await new Promise((resolve) => setTimeout(resolve, 400));
	assert.equal(isThere('status'), false);
	fs.writeFileSync(path.join(root, 'go'), '');
	const chunks: Buffer[] = [];
	child.stdout.on('data', (chunk) => chunks.push(chunk));
	await once(child, 'close');
	assert.equal(fs.readFileSync(path.join(root, 'status'), 'utf8'), '0\n');
	const withoutFiller = (text: string): string => text.replaceAll('#', '');
	assert.equal(withoutFiller(Buffer.concat(chunks).toString()), withoutFiller((await call(['--help'])).stdout));
});

test('a reader that stops early gets no stack trace into its terminal', { skip: SKIP }, async (t) => {
	const { program, run } = place(t);
	const child = spawn(process.execPath, [program, '--help'], {
		...{ stdio: ['ignore', 'pipe', 'pipe'], env: { AGENT_AUTH_RUN: run } },
	});
	child.stdout.destroy();
	const errors: Buffer[] = [];
	child.stderr.on('data', (chunk) => errors.push(chunk));
	const [status] = await once(child, 'close');
	assert.equal(status, EXIT_INTERNAL);
	assert.equal(Buffer.concat(errors).toString(), '');
});
