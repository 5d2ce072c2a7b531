/**
 * Everything that helps somebody else to understand a problem, as text to paste: versions, what the doctor found, who holds
 * which lease. English. Ids, codes and times only; no names of accounts, no addresses, no tokens.
 */
import type { Finding } from '../../auth/doctor/finding.ts';
import type { Diagnostics } from '../../auth/service/diagnostics.ts';
import { coordinationReport } from './coordinationReport.ts';

export type Surroundings = {
	readonly extension: string;
	readonly editor: string;
	readonly host: 'desktop' | 'web';
	readonly remote: string | undefined;
	readonly side: 'ui' | 'workspace';
	readonly system: string;
	readonly language: string;
	readonly isTrusted: boolean;
	readonly services: readonly {
		readonly id: string;
		readonly kind: string;
		readonly buckets: number;
		readonly automatic: string;
	}[];
};

/** Of a server in the browser VS Code makes its address the name. */
const KINDS_OF_REMOTES = /^(ssh-remote|wsl|dev-container|attached-container|codespaces|tunnel)$/;

export function diagnosticsReport(
	around: Surroundings,
	findings: readonly Finding[],
	facts: Diagnostics,
	nowMs: number,
): string {
	const lines = [
		'Agent Auth: diagnostics',
		`extension ${around.extension} (${around.side}) in ${around.editor}, ${around.host}`,
		`remote: ${remoteKind(around.remote)}; system: ${around.system}; language: ${around.language}`,
		`workspace: ${around.isTrusted ? 'trusted' : 'restricted'}`,
		'',
		'Services',
		...around.services.map(
			({ id, kind, buckets, automatic }) => `  ${id}: ${kind}, ${buckets} buckets, automatic: ${automatic}`,
		),
		'',
		'Doctor',
		...findings.map((finding) => `  ${findingLine(finding)}`),
		'',
	];
	return `${lines.join('\n')}\n${coordinationReport(facts, nowMs)}`;
}

function remoteKind(remote: string | undefined): string {
	if (remote === undefined) return 'none';
	return KINDS_OF_REMOTES.test(remote) ? remote : 'other';
}

function findingLine({ check, fact, verdict, providerId, status, skewMs, tookMs, cause }: Finding): string {
	const more = [
		providerId === undefined ? '' : `of ${providerId}`,
		status === undefined ? '' : `status ${status}`,
		skewMs === undefined ? '' : `clock differs by ${Math.round(skewMs / 1000)} s`,
		tookMs === undefined ? '' : `${tookMs} ms`,
		cause === undefined ? '' : `(${cause})`,
	].filter((part) => part !== '');
	return [`${check}: ${fact} [${verdict}]`, ...more].join(' ');
}
