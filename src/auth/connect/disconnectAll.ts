/** Takes back every connection that one VS Code made, when its extension goes. */
import type { Connector } from './connector.ts';

/**
 * Newest first. One that cannot be taken back keeps its record and does not stop the others.
 * @returns why each of those stayed.
 */
export async function disconnectAll(connector: Connector, owner: string): Promise<readonly unknown[]> {
	const failures: unknown[] = [];
	for (const connection of (await connector.connections()).toReversed()) {
		if (connection.owner !== owner) continue;
		try {
			await connector.undo(await connector.planUndo(connection));
		} catch (error) {
			failures.push(error);
		}
	}
	return failures;
}
