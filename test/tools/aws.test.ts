/** AWS CLI with `credential_process`, against a loopback STS endpoint that checks the signature. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { type Sent, startLoopbackService } from './loopbackService.ts';
import { openWorkplace } from './workplace.ts';

type Keys = { readonly id: string; readonly secret: string; readonly session: string };

/** As long as AWS's own; the values are of no account. */
const FIRST: Keys = {
	id: 'ASIAFIRSTFIRSTFIRST1',
	secret: `first/${'a'.repeat(34)}`,
	session: `first${'A1b2'.repeat(30)}`,
};
const SECOND: Keys = {
	...{ id: 'ASIASECONDSECOND2222', secret: `second/${'b'.repeat(33)}`, session: `second${'C3d4'.repeat(30)}` },
};
const asSecret = ({ id, secret, session }: Keys): string => `${id}:${secret}:${session}`;
const OLD_CONFIG = '# mine\n[profile work]\nregion = us-east-1\n';
const CALLER = ['sts', 'get-caller-identity', '--profile', 'work', '--output', 'text', '--query', 'Arn'];

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** Whether the request was signed with these keys: Signature Version 4, as AWS documents it. */
function isSignedWith(keys: Keys, { method, path, headers, body }: Sent): boolean {
	const pattern =
		/^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d+)\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/;
	const [, id = '', day = '', region = '', service = '', names = '', signature] =
		pattern.exec(headers.authorization ?? '') ?? [];
	if (id !== keys.id || headers['x-amz-security-token'] !== keys.session) return false;
	const signedHeaders = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
	const canonical = [method, path, '', signedHeaders.join(''), names, sha256(body)].join('\n');
	const scope = `${day}/${region}/${service}/aws4_request`;
	const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
	const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
	const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${keys.secret}`);
	return hmac(key, text).toString('hex') === signature;
}

const ANSWER =
	'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
	'<Arn>arn:aws:iam::123456789012:user/ada</Arn><UserId>ada</UserId><Account>123456789012</Account>' +
	'</GetCallerIdentityResult></GetCallerIdentityResponse>';

test('signs with the keys of the account, after a rotation with the new ones, and keeps neither', async (t) => {
	const place = await openWorkplace(t, {
		...{ tool: 'aws', account: { kind: 'key', key: asSecret(FIRST) } },
		env: { AWS_EC2_METADATA_DISABLED: 'true' },
	});
	await place.write('.aws/config', OLD_CONFIG);
	await place.connect({ name: 'work' });
	let expected = FIRST;
	const verdicts: boolean[] = [];
	const api = await startLoopbackService(t, (request, response) => {
		place.look();
		verdicts.push(isSignedWith(expected, request));
		response.writeHead(verdicts.at(-1) ? 200 : 403, { 'content-type': 'text/xml' }).end(ANSWER);
	});
	const endpoint = ['--endpoint-url', api.url];
	const said = await place.run([...CALLER, ...endpoint]);
	assert.deepEqual([said.status, said.stdout], [0, 'arn:aws:iam::123456789012:user/ada\n'], said.stderr);
	await place.replaceKey(asSecret(SECOND));
	expected = SECOND;
	assert.equal((await place.run([...CALLER, ...endpoint])).status, 0);
	assert.deepEqual(verdicts, [true, true]);
	assert.equal(place.asked.length, 1);
	await place.assertNothingKept([FIRST, SECOND].flatMap(({ secret, session }) => [secret, session]));
	await place.disconnect();
	assert.equal(await place.read('.aws/config'), OLD_CONFIG);
});

test('not possible: new keys in the same run after a 403; the tool ends with the refusal', async (t) => {
	const place = await openWorkplace(t, {
		...{ tool: 'aws', account: { kind: 'key', key: asSecret(FIRST) } },
		env: { AWS_EC2_METADATA_DISABLED: 'true' },
	});
	await place.write('.aws/config', OLD_CONFIG);
	await place.connect({ name: 'work' });
	const error =
		'<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>expired</Message></Error></ErrorResponse>';
	const api = await startLoopbackService(t, async (_request, response) => {
		place.look();
		await place.replaceKey(asSecret(SECOND));
		response.writeHead(403, { 'content-type': 'text/xml' }).end(error);
	});
	const said = await place.run([...CALLER, '--endpoint-url', api.url]);
	assert.match(said.stderr, /ExpiredToken/);
	assert.notEqual(said.status, 0);
	for (const one of api.sent) assert.ok(isSignedWith(FIRST, one));
});
