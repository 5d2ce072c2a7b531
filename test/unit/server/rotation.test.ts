/** Both services rotate, revoke on reuse, and misbehave on command, in the same way. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Fault } from '../../server/faults.ts';
import { startServer } from '../../server/server.ts';
import { startStrictTokenServer } from '../../server/strictTokenServer.ts';
import { object, refresh, signIn, text } from './client.ts';

type Options = { readonly gracePeriodMs?: number };

const services = {
	'full server': async (options: Options) => {
		const server = await startServer(options);
		return { server, seed: async () => text((await signIn(server, 'ada')).answer.refresh_token) };
	},
	'strict token server': async (options: Options) => {
		const server = await startStrictTokenServer(options);
		return { server, seed: async () => server.seed().refreshToken };
	},
};

for (const [name, start] of Object.entries(services)) {
	describe(name, async () => {
		const { server, seed } = await start({});
		after(() => server.close());
		/** Undone at the end of the test, whatever happens. */
		const withFault = async (fault: Fault, work: () => Promise<void>): Promise<void> => {
			const undo = server.fault(fault);
			try {
				await work();
			} finally {
				undo.dispose();
			}
		};
		const answerOf = async (response: Promise<Response>) => object(await (await response).json());

		test('a refresh answers with a new refresh token, and a chain of them is one grant', async () => {
			let token = await seed();
			const refreshes = server.refreshes();
			const seen = new Set([token]);
			for (let round = 0; round < 3; round += 1) {
				token = text((await answerOf(refresh(server, token))).refresh_token);
				seen.add(token);
			}
			assert.equal(seen.size, 4);
			assert.equal(server.refreshes(), refreshes + 3);
			assert.equal(new Set(server.log.slice(-3).map(({ grantId }) => grantId)).size, 1);
			assert.equal(server.resent().size, 0);
		});

		test('using a refresh token twice revokes the grant, its newest token included', async () => {
			const first = await seed();
			const { refresh_token: second, access_token: access } = await answerOf(refresh(server, first));
			const alive = server.grantsAlive().length;
			const reuses = server.reuses();
			assert.equal((await answerOf(refresh(server, first))).error, 'invalid_grant');
			assert.equal(server.reuses(), reuses + 1);
			assert.equal(server.grantsAlive().length, alive - 1);
			assert.equal((await answerOf(refresh(server, text(second)))).error, 'invalid_grant');
			const who = await fetch(server.whoamiUrl, { headers: { authorization: `Bearer ${text(access)}` } });
			assert.equal(who.status, 401);
			assert.equal([...server.resent().values()][0], 2);
		});

		test('of many requests at once with one token, exactly one is served', async () => {
			const token = await seed();
			const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(server, token)));
			assert.equal(answers.filter(({ status }) => status === 200).length, 1);
		});

		test('a lost answer: the token is used up although the client saw a broken connection', async () => {
			const token = await seed();
			await withFault({ drop: 'after' }, () => assert.rejects(refresh(server, token)));
			const record = server.log.at(-1);
			assert.equal(record?.delivered, false);
			assert.equal(record?.processed, true);
			assert.equal((await answerOf(refresh(server, token))).error, 'invalid_grant');
		});

		test('a connection cut before the server acted leaves the token as it was', async () => {
			const token = await seed();
			await withFault({ drop: 'before' }, () => assert.rejects(refresh(server, token)));
			assert.equal(server.log.at(-1)?.processed, false);
			assert.equal((await refresh(server, token)).status, 200);
		});

		test('500, 502, 503 and 429 with Retry-After, without touching the token; a 502 after the fact loses it', async () => {
			const token = await seed();
			for (const status of [500, 502, 503, 429]) {
				await withFault({ respond: { status, retryAfter: '7' } }, async () => {
					const response = await refresh(server, token);
					assert.equal(response.status, status);
					assert.equal(response.headers.get('retry-after'), '7');
				});
			}
			await withFault({ respond: { status: 502, when: 'after' } }, async () => {
				assert.equal((await refresh(server, token)).status, 502);
			});
			assert.equal((await answerOf(refresh(server, token))).error, 'invalid_grant');
		});

		test('an answer that is not JSON, and a chosen OAuth error', async () => {
			const token = await seed();
			await withFault({ invalidJson: true }, async () => {
				const response = await refresh(server, token);
				assert.equal(response.status, 200);
				await assert.rejects(response.json());
			});
			await withFault({ oauthError: 'temporarily_unavailable' }, async () => {
				assert.equal((await answerOf(refresh(server, token))).error, 'temporarily_unavailable');
			});
			assert.equal(server.log.at(-1)?.error, 'temporarily_unavailable');
		});

		test('an answer without a refresh token leaves the sent one valid', async () => {
			const token = await seed();
			await withFault({ omitRefreshToken: true }, async () => {
				assert.ok(!('refresh_token' in (await answerOf(refresh(server, token)))));
			});
			assert.equal((await refresh(server, token)).status, 200);
		});

		test('expires_in can be absent, 0, negative, text and huge', async () => {
			let token = await seed();
			for (const expiresIn of [null, 0, -5, '3600', 1e15]) {
				await withFault({ expiresIn }, async () => {
					const answer = await answerOf(refresh(server, token));
					assert.deepEqual(answer.expires_in, expiresIn ?? undefined);
					token = text(answer.refresh_token);
				});
			}
		});

		test('a skewed Date header', async () => {
			await withFault({ dateSkewMs: -4 * 3600_000 }, async () => {
				const response = await refresh(server, 'unknown');
				const skewMs = Date.parse(response.headers.get('date') ?? '') - Date.now();
				assert.ok(Math.abs(skewMs + 4 * 3600_000) < 5000);
			});
		});

		test('a false issuer and missing endpoints in discovery', async () => {
			const patch = { issuer: 'https://evil.example', revocation_endpoint: null };
			await withFault({ on: 'discovery', patch }, async () => {
				const metadata = await answerOf(fetch(`${server.issuer}/.well-known/openid-configuration`));
				assert.equal(metadata.issuer, 'https://evil.example');
				assert.ok(!('revocation_endpoint' in metadata));
			});
		});

		test('a held request arrives, stays open, and is answered when the fault is undone', async () => {
			const token = await seed();
			const undo = server.fault({ hold: 'after' });
			const arrived = server.next('refresh', { phase: 'arrived' });
			const answer = refresh(server, token);
			const record = await arrived;
			assert.equal(record.doneAtMs, undefined);
			const done = server.next('refresh');
			undo.dispose();
			assert.equal((await done).id, record.id);
			assert.equal((await answer).status, 200);
		});

		test('a delay is at least as long as said, before and after', async () => {
			for (const fault of [{ delayBeforeMs: 60 }, { delayAfterMs: 60 }]) {
				const token = await seed();
				await withFault(fault, async () => {
					const startMs = performance.now();
					assert.equal((await refresh(server, token)).status, 200);
					assert.ok(performance.now() - startMs >= 59);
				});
			}
		});

		test('a fault with `times` ends by itself, and one for another kind does not hit', async () => {
			const token = await seed();
			const undo = [
				server.fault({ times: 1, respond: { status: 503 } }),
				server.fault({ on: 'whoami', drop: 'before' }),
			];
			assert.equal((await refresh(server, token)).status, 503);
			assert.equal((await refresh(server, token)).status, 200);
			for (const { dispose } of undo) dispose();
		});

		test('the log keeps correlation headers and never authorization or cookies', async () => {
			await fetch(`${server.issuer}/token`, {
				method: 'POST',
				headers: { 'x-correlation-id': 'c-1', authorization: 'Bearer secret', cookie: 'a=secret' },
				body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'y' }),
			});
			const headers = server.log.at(-1)?.requestHeaders;
			assert.equal(headers?.['x-correlation-id'], 'c-1');
			assert.ok(!JSON.stringify(headers).includes('secret'));
		});

		test('a server that went down refuses, and comes back on the same port with everything it knew', async () => {
			const token = await seed();
			await server.down();
			await assert.rejects(refresh(server, token));
			await server.up();
			assert.equal((await refresh(server, token)).status, 200);
		});
	});

	test(`${name}: inside the grace period a used token is answered again, until its successor was used`, async () => {
		const { server, seed } = await start({ gracePeriodMs: 60_000 });
		try {
			const first = await seed();
			const lost = await refresh(server, first);
			assert.equal(lost.status, 200);
			const again = await refresh(server, first);
			assert.equal(again.status, 200);
			assert.equal(server.graceReuses(), 1);
			assert.equal(server.reuses(), 0);
			const second = text(object(await again.json()).refresh_token);
			assert.equal((await refresh(server, second)).status, 200);
			assert.equal((await refresh(server, first)).status, 400);
			assert.equal(server.reuses(), 1);
			assert.equal(server.grantsAlive().length, 0);
		} finally {
			await server.close();
		}
	});
}
