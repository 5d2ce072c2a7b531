/** A window that answers requests of terminals, with a fake service and a person who says what the test wants. */
import type { TestContext } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { type ConsentQuestion, createAccess } from '../../../src/auth/terminal/access.ts';
import type { AuditedUse } from '../../../src/auth/terminal/audit.ts';
import type { ConsentAnswer } from '../../../src/auth/terminal/grant.ts';
import { createLastTokens } from '../../../src/auth/terminal/lastTokens.ts';
import type { TerminalRequest, TokenTerminalRequest } from '../../../src/auth/terminal/protocol.ts';
import type { RequestContext } from '../../../src/auth/terminal/requestContext.ts';
import { handleRequest } from '../../../src/auth/terminal/requestHandler.ts';
import { memoryConsentStore } from '../../support/memoryConsentStore.ts';
import { memoryTerminalConsentStore } from '../../support/memoryTerminalConsentStore.ts';
import { collectingLogger, fakeService } from '../../support/terminalFakes.ts';

export function window(t: TestContext, change: Partial<RequestContext> = {}) {
	const service = fakeService('canary');
	const log = collectingLogger();
	const world = { asked: 0, trusted: true, answer: 'session' as ConsentAnswer };
	const audited: AuditedUse[] = [];
	const questions: ConsentQuestion[] = [];
	const access = createAccess({
		ask: (question) => {
			questions.push(question);
			world.asked++;
			return Promise.resolve(world.answer);
		},
		policy: () => 'ask',
		workspace: () => undefined,
		...{ store: memoryConsentStore(), terminalStore: memoryTerminalConsentStore() },
		terminals: () => Promise.resolve([{ pid: 100, name: 'zsh' }]),
		processStartTime: () => Promise.resolve(undefined),
		isTrusted: () => world.trusted,
		clock: systemClock,
		log,
	});
	t.after(() => access.dispose());
	const steps: string[] = [];
	const context: RequestContext = {
		...{ service, access, clock: systemClock, log, version: '1.2.3' },
		audit: { record: (use) => void audited.push(use) },
		lastTokens: createLastTokens(),
		isTrusted: () => world.trusted,
		programName: (pid) => Promise.resolve(`program ${pid}`),
		ancestorsOf: (pid) => Promise.resolve([pid, 100]),
		...change,
	};
	const send = (request: TerminalRequest, signal = new AbortController().signal, mayAsk = true) =>
		handleRequest(context, request, { signal, progress: (step) => steps.push(step), mayAsk });
	return { service, access, log, world, steps, audited, questions, send };
}

export const tokenOf = (provider: string, change: Partial<TokenTerminalRequest> = {}): TokenTerminalRequest => ({
	kind: 'token',
	provider,
	ancestors: [1],
	cwd: '/',
	...change,
});
