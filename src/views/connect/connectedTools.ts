/** The tools that were set up to ask for tokens, for the access view. Their parsers are loaded when somebody looks. */
import type { ConnectedTool } from '../terminal/accessModel.ts';

/** Newest first. */
export async function connectedTools(): Promise<readonly ConnectedTool[]> {
	const { createHostConnector } = await import('../../auth/connect/hostConnector.ts');
	// Neither folder counts for reading what there is.
	const connector = createHostConnector('', '');
	const labels = new Map<string, string>(connector.tools.map(({ id, label }) => [id, label]));
	const connections = await connector.connections();
	return connections
		.toReversed()
		.map(({ id, tool, name, provider, file }) => ({ id, name, provider, file, label: labels.get(tool) ?? tool }));
}
