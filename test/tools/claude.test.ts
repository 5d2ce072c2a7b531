/** Claude Code with `apiKeyHelper`, against a loopback Messages endpoint. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { answerEvents, answerJson, type Sent, startLoopbackService, tokensOf } from './loopbackService.ts';
import { openWorkplace } from './workplace.ts';

/** The documented variables that keep it from everything but the endpoint. */
const QUIET = {
	...{ DISABLE_TELEMETRY: '1', DISABLE_ERROR_REPORTING: '1', DISABLE_AUTOUPDATER: '1', DISABLE_BUG_COMMAND: '1' },
	CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
};
const PROMPT = ['-p', 'Say hello', '--model', 'claude-sonnet-4-5', '--output-format', 'json'];
const OLD_SETTINGS = '{\n  "cleanupPeriodDays": 20\n}\n';

const isMessage = ({ method, path }: Sent): boolean => method === 'POST' && /^\/v1\/messages(\?|$)/.test(path);

function answerMessage({ body }: Sent, response: ServerResponse): void {
	const { stream = false, model } = JSON.parse(body.toString('utf8'));
	const usage = { input_tokens: 1, output_tokens: 1 };
	const message = { id: 'msg_1', type: 'message', role: 'assistant', model, stop_sequence: null };
	const text = { type: 'text', text: 'hello from loopback' };
	if (!stream) {
		answerJson(response, 200, { ...message, content: [text], stop_reason: 'end_turn', usage });
		return;
	}
	const start = { ...message, content: [], stop_reason: null, usage };
	answerEvents(response, [
		{ type: 'message_start', message: start },
		{ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
		{ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: text.text } },
		{ type: 'content_block_stop', index: 0 },
		{ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
		{ type: 'message_stop' },
	]);
}

test('sends the token of the account, after a rotation the new one, and keeps neither', async (t) => {
	const place = await openWorkplace(t, { tool: 'claude', env: QUIET });
	await place.write('.claude/settings.json', OLD_SETTINGS);
	await place.connect();
	const api = await startLoopbackService(t, (request, response) => {
		place.look();
		if (isMessage(request)) answerMessage(request, response);
		else answerJson(response, 404, {});
	});
	const env = { ANTHROPIC_BASE_URL: api.url };
	const messages = () => api.sent.filter(isMessage);
	const first = await place.token();
	const said = await place.run(PROMPT, env);
	assert.equal(said.status, 0, said.stderr + said.stdout);
	assert.match(said.stdout, /hello from loopback/);
	assert.ok(messages().length > 0);
	for (const message of messages()) assert.deepEqual(new Set(tokensOf(message)), new Set([first]));
	const before = messages().length;
	const second = await place.rotate();
	assert.equal((await place.run(PROMPT, env)).status, 0);
	assert.ok(messages().length > before);
	for (const message of messages().slice(before)) assert.deepEqual(new Set(tokensOf(message)), new Set([second]));
	assert.equal(place.asked.length, 1);
	await place.assertNothingKept();
	await place.disconnect();
	assert.equal(await place.read('.claude/settings.json'), OLD_SETTINGS);
});

test('asks again after a 401 and goes on with the new token in the same run', async (t) => {
	const place = await openWorkplace(t, { tool: 'claude', env: QUIET });
	await place.connect();
	const old = await place.token();
	let current = old;
	const api = await startLoopbackService(t, async (request, response) => {
		place.look();
		if (!isMessage(request)) return answerJson(response, 404, {});
		if (current === old) current = await place.rotate();
		if (tokensOf(request).includes(current)) return answerMessage(request, response);
		answerJson(response, 401, { type: 'error', error: { type: 'authentication_error', message: 'token expired' } });
	});
	const said = await place.run(PROMPT, { ANTHROPIC_BASE_URL: api.url });
	assert.equal(said.status, 0, said.stderr + said.stdout);
	const tokens = api.sent.filter(isMessage).map((message) => new Set(tokensOf(message)));
	assert.deepEqual(tokens[0], new Set([old]));
	assert.deepEqual(tokens.at(-1), new Set([current]));
	await place.assertNothingKept();
});
