/** What rules look at: the body's codes and texts, and the codes that services put into headers. */
import { type BodyFacts, codesOf, readBody } from './bodyFacts.ts';
import { type FailureReport, headerOf } from './report.ts';

/** RFC 6750 section 3. Both forms of a parameter: `error="invalid_token"` and `error=invalid_token`. */
const CHALLENGE_ERROR = /(?:^|[\s,])error="?([\w.-]{1,100})/gi;

/** AWS: `ThrottlingException:http://…`. OpenAI: a word. */
const CODE_HEADERS = ['x-amzn-errortype', 'x-openai-authorization-error'] as const;

/** Never throws, whatever the report says. */
export function factsOf(report: FailureReport): BodyFacts {
	const body = readBody(report.body);
	const challenge = headerOf(report, 'www-authenticate') ?? '';
	const described = readBody(decoded(headerOf(report, 'x-error-json')));
	const codes = [
		...[...challenge.matchAll(CHALLENGE_ERROR)].flatMap(([, code]) => codesOf(code)),
		...CODE_HEADERS.flatMap((name) => codesOf(headerOf(report, name))),
		...described.codes,
		...body.codes,
	];
	return { ...body, codes: [...new Set(codes)] };
}

/** ChatGPT sends a JSON body once more in a header, in Base64. */
function decoded(header: string | undefined): string | undefined {
	if (header === undefined || header.startsWith('{')) return header;
	return /^[A-Za-z0-9+/_-]+=*$/.test(header) ? Buffer.from(header, 'base64').toString('utf8') : undefined;
}
