/**
 * The program behind `agent-auth` in a terminal: asks a live window over its socket and prints the answer. Bundled on
 * its own and run by the editor's Node. A secret goes through sockets, files of mode 0600, standard input and output
 * only, and into the environment of the command that `exec` runs.
 */
import { type Command, parseCommandLine } from './commandLine.ts';
import { manual } from './manual.ts';
import { EXIT_INTERNAL, EXIT_OK, EXIT_USAGE } from './outcome.ts';
import { runAddKey } from './program/addKey.ts';
import { runCompletion } from './program/completion.ts';
import { runCredentialProcess } from './program/credentialProcess.ts';
import { runDoctor } from './program/doctor.ts';
import { runExec } from './program/exec.ts';
import { runExecCredential } from './program/execCredential.ts';
import { runGitCredential } from './program/gitCredential.ts';
import { writeError, writeOutput } from './program/output.ts';
import { runReport } from './program/report.ts';
import { runProviders, runStatus } from './program/status.ts';
import { runToken } from './program/token.ts';

/** Put in by the build. */
declare const AGENT_AUTH_VERSION: string;

const VERSION = typeof AGENT_AUTH_VERSION === 'string' ? AGENT_AUTH_VERSION : 'development';

/** Answers the exit code. */
async function main(command: Command): Promise<number> {
	switch (command.kind) {
		case 'help':
			writeOutput(manual(command.topic));
			return EXIT_OK;
		case 'version':
			writeOutput(`${VERSION}\n`);
			return EXIT_OK;
		case 'usage':
			writeError(`agent-auth: ${command.problem}. See "agent-auth --help".\n`);
			return EXIT_USAGE;
		case 'token':
			return runToken(command);
		case 'exec':
			return runExec(command);
		case 'report':
			return runReport(command);
		case 'status':
			return runStatus(command.json);
		case 'providers':
			return runProviders(command.json);
		case 'add-key':
			return runAddKey(command);
		case 'doctor':
			return runDoctor(command.json, VERSION);
		case 'git-credential':
			return runGitCredential(command);
		case 'credential-process':
			return runCredentialProcess(command);
		case 'exec-credential':
			return runExecCredential(command);
		case 'completion':
			return runCompletion(command.shell);
	}
}

main(parseCommandLine(process.argv.slice(2))).then(
	(exitCode) => {
		process.exitCode = exitCode;
	},
	(error: unknown) => {
		// Neither text nor stack: both may repeat what came over the wire.
		const code = error instanceof Error && 'code' in error ? ` ${String(error.code)}` : '';
		writeError(`agent-auth: it failed${code}. The log "Agent Auth" in VS Code may say more.\n`);
		process.exitCode = EXIT_INTERNAL;
	},
);
