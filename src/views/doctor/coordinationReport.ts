/**
 * Who refreshes what, as text: leases with their holders, generations here and in the vault, and the last decisions. English
 * and without names of accounts, so that it can be pasted into an issue.
 */
import type { Diagnostics } from '../../auth/service/diagnostics.ts';

export function coordinationReport(facts: Diagnostics, nowMs: number): string {
	const lines = [
		'Agent Auth: coordination status',
		`at ${new Date(nowMs).toISOString()}, extension host pid ${facts.pid}`,
		`vault: ${facts.vault}; key: ${facts.key}; watch: ${facts.watch}`,
	];
	for (const bucket of facts.buckets) {
		lines.push(
			'',
			`${bucket.providerId} / ${bucket.bucketId}: ${bucket.state}${bucket.sessionOnly ? ' (this session only)' : ''}`,
			`  generation: ${bucket.generationHere} here, ${bucket.generationInVault} in the vault`,
			`  access token: ${expiry(bucket.expiresAtMs, nowMs)}`,
			`  lease: ${bucket.leaseHolder}`,
		);
		for (const event of bucket.events)
			lines.push(`  ${new Date(event.atMs).toISOString()} ${event.correlationId} ${event.text}`);
	}
	return `${lines.join('\n')}\n`;
}

function expiry(expiresAtMs: number | undefined, nowMs: number): string {
	if (expiresAtMs === undefined) return 'without known expiry';
	const seconds = Math.round((expiresAtMs - nowMs) / 1000);
	return seconds > 0 ? `expires in ${seconds} s` : `expired ${-seconds} s ago`;
}
