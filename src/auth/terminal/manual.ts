/** The helper's own manual: one page for all, one for each command. In English, as the rest of what it prints. */
import type { CommandName } from './commandLine.ts';

export const HELP = `agent-auth: access tokens for programs in terminals, from an open VS Code window

Usage:
  agent-auth <command> [options]
  agent-auth help <command>
  agent-auth --help | --version

Tokens:
  token <provider>                print an access token
  exec <provider> [--] <command>  run a command with the token in its environment
  report <provider> --status <n>  tell what a request with the token got; prints what to do

Accounts:
  providers                       list the providers
  status                          what this terminal may have, from which account, until when
  add-key <provider> --stdin      store an API key
  doctor                          which credential a tool would really use here, and why

For other programs:
  git-credential <provider>       git's credential helper protocol
  credential-process <provider>   the form of AWS tools
  exec-credential <provider>      the form of kubectl
  completion <shell>              completions for bash, zsh or fish

A VS Code window with Agent Auth must be open: the one whose workspace holds the
current folder is asked, else the newest. It asks you once per terminal and
provider, and you say for how long. Nothing opens a browser without --sign-in.

Environment:
  AGENT_AUTH_RUN      folder in which the windows announce themselves

Exit codes:
  0  it worked                              5  refused
  1  internal error                         6  no VS Code window is open
  2  wrong arguments                        7  no such provider, bucket or token
  3  sign in first                          8  service or vault does not work
  4  busy, try again                        9  every account is exhausted
`;

const TOKEN_OPTIONS = `  --bucket <name>     the account with this name or bucket id instead of the one in use
  --min-ttl <s>       a token that lives for at least so many seconds
  --sign-in           sign in in the VS Code window if that is needed
  --scope <scope>     for "github" and "microsoft": a scope that is needed; may be repeated
`;

const PAGES: Readonly<Record<CommandName, string>> = {
	token: `Usage: agent-auth token <provider> [options]

Prints an access token of the provider, alone on one line. It is renewed first if
it has less life left than you ask for. "github" and "microsoft" are VS Code's own
sessions, unless you configured providers of these names.

Options:
  --format <format>   raw (the token alone), json (with its end), or header
                      (Authorization: Bearer ...)
${TOKEN_OPTIONS}
Examples:
  agent-auth token acme --format header | curl --header @- https://api.example.com
  agent-auth token acme --min-ttl 600
`,
	exec: `Usage: agent-auth exec <provider> [options] [--] <command> [arguments]

Runs the command with the token in its environment, for tools that know only
variables. Which ones, the setting agentAuth.providers says under "environment" of
the provider; without it AGENT_AUTH_TOKEN holds the token. The token is not renewed
while the command runs. Signals are passed on, and it ends like the command: with
its exit code (126 and 127 if it cannot be run), or by its signal.

Everything that the command starts can read the variable. Prefer "token" where a
tool can call a command.

Options, before the command:
${TOKEN_OPTIONS}
Example:
  agent-auth exec models -- my-agent --verbose
`,
	report: `Usage: agent-auth report <provider> --status <n> [options] < body

Tells what a request with the token got, with the beginning of the response's body
on standard input. Prints one line: what to do, and if need be until when and why.

  retry                   send it again                                 exit code 0
  retry-with-new-token    ask for the token again, then send it again   exit code 0
  wait <time> <reason>    not before that time                          exit code 4
  sign-in                 a person has to sign in                       exit code 3
  give-up <code> <reason> it will not work          exit code of the code, mostly 8 or 9
  ignored                 no token of ours                              exit code 7

The token is the last that this terminal got for the provider from the window.

Options:
  --status <n>        HTTP status of the response, 0 if there was none
  --retry-after <v>   its Retry-After header: seconds or a date
  --header <h>        another header, "name: value"; may be repeated
  --digest <hex>      SHA-256 of the token, if it is not the last one given
  --json              advice, until, code and reason as JSON

Example:
  agent-auth report acme --status 429 --retry-after 30 < response.json
`,
	status: `Usage: agent-auth status [--json]

Shows the window that is asked, the providers, and for those that this terminal may
use the accounts and when their tokens end. Asks nobody and renews nothing.
`,
	providers: `Usage: agent-auth providers [--json]

Lists the providers: id, state, name. The state is signedIn, needsSignIn, signedOut,
or editor for VS Code's own sessions.
`,
	'add-key': `Usage: agent-auth add-key <provider> --stdin [--name <name>]

Stores an API key that comes on standard input. The VS Code window asks you each
time. A key is never taken from an argument, because arguments are visible to others
and stay in the history of the shell.

Options:
  --stdin             required: says that the key comes on standard input
  --name <name>       name of the account

Example:
  pass show models/key | agent-auth add-key models --stdin --name work
`,
	doctor: `Usage: agent-auth doctor [--json]

Says which credential a tool would really use in this terminal and why: windows and
whether they answer, accounts and when their tokens end, variables that win over a
helper, and .env files in this folder and above. Prints names, never values. The exit
code is 8 if there is a problem.
`,
	'git-credential': `Usage: agent-auth git-credential <provider> [options] get|store|erase

Git's credential helper protocol. Gives the token as the password, over https only,
for the hosts that the setting agentAuth.providers lists under "gitHosts" of the
provider. To everything else it says nothing, and git asks its next helper. Nothing
is stored. A password that the host refuses is reported, and the next one is new.

Options:
  --bucket <name>     the account with this name or bucket id
  --username <name>   for hosts that want a certain one; default oauth2
  --bearer            as a bearer token, where git can do it (2.46 and later)

Set up:
  git config --global credential.https://git.example.com.helper \\
    '!agent-auth git-credential acme'
`,
	'credential-process': `Usage: agent-auth credential-process <provider> [--bucket <name>] [--min-ttl <s>]

Prints credentials in the form of AWS tools. The secret of the provider must be
AccessKeyId:SecretAccessKey, with :SessionToken if there is one, or the JSON of that
form, as a command may print it.

Set up, in ~/.aws/config (a full path: AWS tools use no shell):
  [profile work]
  credential_process = /full/path/to/agent-auth credential-process aws
`,
	'exec-credential': `Usage: agent-auth exec-credential <provider> [--bucket <name>] [--min-ttl <s>] [--sign-in]

Prints an ExecCredential (client.authentication.k8s.io/v1) for kubectl and other
Kubernetes clients. --sign-in counts only where the client says that a person is there.

Set up, in the kubeconfig:
  users:
  - name: work
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: agent-auth
        args: [exec-credential, acme]
        interactiveMode: IfAvailable
`,
	completion: `Usage: agent-auth completion bash|zsh|fish

Prints a script for the shell.

  source <(agent-auth completion bash)      in ~/.bashrc, or ~/.zshrc with zsh
  agent-auth completion fish | source       in ~/.config/fish/config.fish
`,
};

/** The page of a command, or the one for all. */
export function manual(topic?: CommandName): string {
	return topic === undefined ? HELP : `${PAGES[topic]}\nExit codes are those of "agent-auth --help".\n`;
}
