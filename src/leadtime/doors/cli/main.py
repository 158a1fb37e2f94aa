"""``leadtime``: loads the one command that was asked for, and turns errors into sentences and exit codes."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence
from difflib import get_close_matches

import click

from leadtime.doors.visible import visible_line
from leadtime.foundation.errors import LeadtimeError, Unavailable

EXIT_REFUSED = 2
EXIT_UNAVAILABLE = 5
EXIT_INTERRUPTED = 130

COMMANDS: dict[str, str] = {
    "serve": "Run the site and its durable work.",
    "worker": "Work queues on this machine.",
    "runner": "Hosts that run finders' programs and hold no key of the installation.",
    "jobs": "List the jobs that were set aside, and try one again.",
    "demo": "Play the whole story on real input.",
    "init": "Create this installation's home, keys and first administrator.",
    "party": "Organisations, people and their tokens.",
    "window": "Offer a model: milestones, windows, consents, withdrawal, release.",
    "grant": "Access of named people to an offered model.",
    "call": "What is kept of calls to a model.",
    "flag": "What keeps people of your organisation away from a model.",
    "report": "Hand in reports.",
    "held": "Ask whether a flaw is held already, without telling which.",
    "validate": "Reproduce a flaw in the sandbox and print the verdict.",
    "evidence": "Open a piece of what a validation saw.",
    "cluster": "Group crash reports by root cause.",
    "match": "Tell what touches an inventory, and by when.",
    "source": "Load facts from outside: KEV, Vulnrichment.",
    "priority": "Look up the row of BOD 26-04.",
    "advisory": "Render and check advisories.",
    "ledger": "Verify a log from outside, or be its witness.",
    "doctor": "Tell what works on this machine and what is missing.",
}
"""Command -> its one line of help; its module is ``leadtime.doors.cli.<command>`` and holds ``command``."""


class Commands(click.Group):
    """A group whose commands are imported when they are called, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, as help lists them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, imported now; None if there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"leadtime.doors.cli.{cmd_name}").command
        if not isinstance(found, click.Command):
            raise TypeError(f"leadtime.doors.cli.{cmd_name}.command is not a command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is asked for; for one that is not there, name the one most like it."""
        alike = [] if args[0] in COMMANDS else get_close_matches(args[0], COMMANDS, n=1)
        if alike:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {alike[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: leadtime validate --recipe recipe.json --input crash.bin",
)
@click.version_option(package_name="leadtime")
def leadtime() -> None:
    """Defenders' head start: prove, merge, rank, hand over, publish and track flaws until the fix is deployed."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are one sentence on standard error."""
    try:
        outcome = leadtime.main(args=list(arguments), prog_name="leadtime", standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        click.echo(_sentence(error), err=True)
        return EXIT_REFUSED
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except LeadtimeError as error:
        click.echo(visible_line(str(error)), err=True)
        return EXIT_UNAVAILABLE if isinstance(error, Unavailable) else EXIT_REFUSED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return outcome if isinstance(outcome, int) else 0


def _sentence(error: click.ClickException) -> str:
    """Return what is wrong with a command line, and where its help is."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "leadtime"
    what = error.format_message()
    ended = what if what.endswith((".", "?")) else f"{what}."
    return visible_line(f"{path}: {ended} Try '{path} --help'.")


def quiet_libraries() -> None:
    """Let libraries tell warnings and nothing less: a package that configures the log when it is loaded comes late."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")


def main() -> None:
    """Run the command line of this process."""
    quiet_libraries()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
