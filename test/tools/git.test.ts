/** git with our credential helper, against its own `http-backend` over https on the loopback interface. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeCertificate } from './certificate.ts';
import { type Sent, startLoopbackService } from './loopbackService.ts';
import { openWorkplace } from './workplace.ts';

const OLD_CONFIG = '# mine\n[user]\n\tname = Ada\n\temail = ada@example.test\n';

const passwordOf = ({ headers }: Sent): string | undefined => {
	const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1];
	return basic === undefined
		? undefined
		: Buffer.from(basic, 'base64')
				.toString('utf8')
				.replace(/^[^:]*:/, '');
};

/** Runs git's own server as a CGI program (RFC 3875). */
async function answerGit(repositories: string, { method, path: url, headers, body }: Sent, response: ServerResponse) {
	const { pathname, search } = new URL(url, 'https://127.0.0.1');
	const child = spawn('git', ['http-backend'], {
		stdio: ['pipe', 'pipe', 'inherit'],
		env: {
			...{ PATH: process.env.PATH, GIT_PROJECT_ROOT: repositories, GIT_HTTP_EXPORT_ALL: '1', REMOTE_USER: 'ada' },
			...{ PATH_INFO: pathname, QUERY_STRING: search.slice(1), REQUEST_METHOD: method, REMOTE_ADDR: '127.0.0.1' },
			...{ CONTENT_TYPE: headers['content-type'] ?? '', CONTENT_LENGTH: String(body.length) },
			...{ HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '' },
			GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
		},
	});
	// To a GET it may have answered before it was written to.
	child.stdin.on('error', () => undefined).end(body);
	const chunks: Buffer[] = [];
	child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
	await once(child, 'close');
	const whole = Buffer.concat(chunks);
	const end = whole.indexOf('\r\n\r\n');
	const lines = whole.subarray(0, end).toString('latin1').split('\r\n');
	let status = 200;
	for (const line of lines) {
		const [name = '', value = ''] = line.split(/:\s*/, 2);
		if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
		else response.setHeader(name, value);
	}
	response.writeHead(status).end(whole.subarray(end + 4));
}

/** A server that takes the tokens which `isGood` takes, and a home with git connected to it. */
async function openGitPlace(t: TestContext) {
	const gitHosts: string[] = [];
	const place = await openWorkplace(t, {
		...{ tool: 'git', use: { gitHosts } },
		env: { GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
	});
	const repositories = path.join(place.root, 'repositories');
	execFileSync('git', ['init', '--quiet', '--bare', '-b', 'main', path.join(repositories, 'x.git')]);
	const certificate = await makeCertificate(place.root);
	let isGood = (_token: string): boolean => true;
	const used: string[] = [];
	const api = await startLoopbackService(
		t,
		async (request, response) => {
			place.look();
			const password = passwordOf(request);
			if (password !== undefined) used.push(password);
			if (password !== undefined && isGood(password)) return answerGit(repositories, request, response);
			response.writeHead(401, { 'www-authenticate': 'Basic realm="loopback"' }).end();
		},
		certificate,
	);
	gitHosts.push(`127.0.0.1:${api.port}`);
	await place.write('.gitconfig', OLD_CONFIG);
	await place.connect({ name: api.url });
	const git = (...args: string[]) => place.run(args, { GIT_SSL_CAINFO: certificate.file });
	return {
		...{ ...place, url: `${api.url}/x.git`, used, git },
		takeOnly: (token: string) => {
			isGood = (candidate) => candidate === token;
		},
	};
}

test('clones, commits and pushes with the token of the account, after a rotation with the new one, and keeps neither', async (t) => {
	const place = await openGitPlace(t);
	const { git, used } = place;
	const first = await place.token();
	const cloned = await git('clone', '--quiet', place.url, 'x');
	assert.equal(cloned.status, 0, cloned.stderr);
	assert.deepEqual(new Set(used), new Set([first]));
	await place.write('work/x/file', 'text\n');
	for (const args of [
		['add', 'file'],
		['commit', '--quiet', '-m', 'one'],
	]) {
		assert.equal((await git('-C', 'x', ...args)).status, 0);
	}
	const count = used.length;
	const second = await place.rotate();
	place.takeOnly(second);
	const pushed = await git('-C', 'x', 'push', '--quiet', 'origin', 'HEAD:main');
	assert.equal(pushed.status, 0, pushed.stderr);
	assert.ok(used.length > count);
	assert.deepEqual(new Set(used.slice(count)), new Set([second]));
	assert.match((await git('ls-remote', place.url)).stdout, /refs\/heads\/main/);
	assert.equal(place.asked.length, 1);
	await place.assertNothingKept();
	await place.disconnect();
	assert.equal(await place.read('.gitconfig'), OLD_CONFIG);
});

test('tells of a refused token, so that the next call has a new one', async (t) => {
	const place = await openGitPlace(t);
	const first = await place.token();
	place.takeOnly('none yet');
	const refreshes = place.server.count('refresh');
	assert.notEqual((await place.git('ls-remote', place.url)).status, 0);
	assert.equal(place.server.count('refresh') - refreshes, 1);
	const second = await place.token();
	assert.notEqual(second, first);
	place.takeOnly(second);
	const listed = await place.git('ls-remote', place.url);
	assert.equal(listed.status, 0, listed.stderr);
	assert.deepEqual([...new Set(place.used)], [first, second]);
	await place.assertNothingKept();
});
