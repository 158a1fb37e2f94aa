"""``leadtime demo``: play a story on this machine, then leave the site up."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from leadtime.doors.cli.demo_proofs import further_lines, further_table
from leadtime.doors.demo_model import make_demo_home
from leadtime.doors.demo_speakers import Scripted, Speaker
from leadtime.doors.play import Player
from leadtime.doors.play_offers import OffersPlayer
from leadtime.doors.play_proofs import ProofsPlayer
from leadtime.doors.serving import HOST
from leadtime.doors.story import Ending, Offer, read_story
from leadtime.doors.visible import visible, visible_line
from leadtime.flow.exposure import PatchBy
from leadtime.flow.validation import KeptValidation, Word
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.errors import Unavailable
from leadtime.foundation.home import make_home
from leadtime.foundation.keys import create_keys
from leadtime.foundation.settings import Settings, read_settings
from leadtime.packages.fetch import open_fetcher
from leadtime.workflows.opening import open_database

STORY = Path(__file__).parents[4] / "examples" / "first-flaw"
STORY_TOLD = "story.json"
LAST_TABLE = "story.txt"
TABLE_COLUMNS = 160
READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 20
MARKS = {"reproduced": "[green]reproduced[/]", "harness_fault": "[red]harness fault[/]"}


@click.command(epilog="Example: leadtime demo --once")
@click.option(
    "--story", "folder", type=click.Path(path_type=Path, file_okay=False), default=STORY, help="The story's folder."
)
@click.option("--once", is_flag=True, help="End after the story instead of leaving the site up.")
def command(folder: Path, *, once: bool) -> None:
    """Play the whole story on real input: from two finders' reports to patched operators."""
    settings, console, begun = read_settings(os.environ), Console(), time.monotonic()
    story = read_story(folder)
    make_home(settings.home)
    if (settings.home / STORY_TOLD).exists():
        show_again(settings, console, once=once)
        return
    console.rule(f"[bold]{visible_line(story.plot.title)}")
    create_keys(settings.home / "keys")
    with console.status("Starting the database …"):
        player = Player(story, open_database(settings, SystemClock()), settings.url)
    port, speaker = make_demo_model(settings) if story.plot.offers else (0, Scripted())
    with serving(settings, console, releases_tried=story.plot.releases_tried) as site:
        player.enrol()
        offers = OffersPlayer(player.database, player.people, settings.url, settings.home, port, speaker.name)
        play_offers(offers, story.plot.offers, console)
        play(player, console, settings)
        tell_thanks(offers, console)
        keep_pass(settings, player.visitor_pass(offers.credentials(), offers.models()))
        console.print(f"\nPlayed in {time.monotonic() - begun:.0f} s. Everybody's token: {settings.home / STORY_TOLD}")
        if not once:
            leave_up(site, settings, console)


def show_again(settings: Settings, console: Console, *, once: bool) -> None:
    """Show the story that was played here before, and serve it; ``once``: only its last table."""
    console.print(f"A story was played in {settings.home} already; nothing is played again.", markup=False)
    table = settings.home / LAST_TABLE
    if table.exists():
        console.print(visible(table.read_text()), markup=False, highlight=False)
    console.print(f"Everybody's token: {settings.home / STORY_TOLD}", markup=False)
    console.print("To play it anew set LEADTIME_HOME to another directory, or remove this one.")
    if not once:
        with serving(settings, console) as site:
            leave_up(site, settings, console)


def leave_up(site: subprocess.Popen[bytes], settings: Settings, console: Console) -> None:
    """Wait until the site ends."""
    console.print(f"The site is up at [bold]{settings.url}[/]; Ctrl-C ends it.")
    site.wait()


def play_offers(player: OffersPlayer, offers: tuple[Offer, ...], console: Console) -> None:
    """Play the scenes of early access and tell each as it happens."""
    for offer in offers:
        offered = player.offer(offer)
        name, until = visible_line(offer.name), offered.window.ends_at.date()
        console.print(f"[bold]A[/] {name} is offered to a named evaluator, until {until} or the developer's word.")
        console.print(f"  Asked with the OpenAI client: [italic]{escape(visible_line(player.ask(offered)))}[/]")
        checked = player.check(offered)
        mark = "[green]holds[/]" if checked.holds else "[red]does not hold[/]"
        console.print(
            f"  The developer checks its log of {checked.leaves} leaves against its own access log: it {mark}, "
            f"{checked.complete.matched} of {checked.complete.matched + checked.complete.skipped.count} calls found."
        )
        if offer.ends is Ending.WITHDRAWN:
            player.withdraw(offered)
            console.print(f"  It withdraws; the next call: [italic]{escape(visible_line(player.ask(offered)))}[/]")


def tell_thanks(player: OffersPlayer, console: Console) -> None:
    """Tell what each developer reads of its early access that led to reports."""
    for offered in player.offered:
        thanks = player.thanks(offered)
        if thanks.reported:
            console.print(
                f"[bold]8[/] Thanks to early access to {visible_line(offered.offer.name)}: reported {thanks.reported}, "
                f"reproduced {thanks.reproduced}, flaws {thanks.flaws}, published {thanks.published}, "
                f"deployed {thanks.deployed}. Counts, and nothing else, are what its developer is told."
            )


def play(player: Player, console: Console, settings: Settings) -> None:
    """Play every scene of the clearinghouse and tell each as it happens."""
    player.load_facts()
    receipts = player.hand_in()
    console.print(
        f"[bold]1[/] {len(receipts)} reports handed in; each got a receipt signed by key {receipts[0].key_id}."
    )
    console.print("[bold]2[/] Each is built and run in the sandbox, five times on both sides, watched from outside:")
    with showing(console) as live:
        kept = player.await_verdicts(lambda kept: live.update(verdicts(player, kept)))
    tell_harness_faults(kept, console)
    delivered = player.deliver_cases()
    console.print(f"[bold]3[/] Cases with their embargo set, delivered and acknowledged: {len(delivered)}.")
    play_proofs(player, console, settings)
    cases, numbers = player.publish_cases(), ", ".join(player.published_numbers())
    console.print(f"[bold]5[/] Releases with the fix named: {len(cases)}. Published: {numbers}.")
    with console.status("Matching the operators' inventories …"):
        lists = player.await_lists()
    console.print("[bold]6[/] What each operator has to patch, by when, and which row of BOD 26-04 says so:")
    console.print(patch_by(player, lists))
    keep_table(settings, patch_by(player, lists))
    for line in player.deploy():
        console.print(f"[bold]7[/] {line.asset}: {line.component} {line.deployed_version} is [green]deployed[/].")


def tell_harness_faults(kept: list[KeptValidation], console: Console) -> None:
    """Tell which reports came with a harness that is not believed, and why."""
    for number, each in enumerate(kept, start=1):
        if each.outcome is not None and each.outcome.verdict == Word.HARNESS_FAULT:
            why = visible_line(str(json.loads(each.outcome.result).get("reason", "")))
            console.print(
                f"  [red]Caught:[/] in report {number} the harness is at fault, not the package: {escape(why)}."
            )


def play_proofs(player: Player, console: Console, settings: Settings) -> None:
    """Play what the proofs go on to, where the story has any of it, and tell what it came to."""
    with open_fetcher(settings.home / "cache" / "releases", os.environ) as fetcher:
        proofs = ProofsPlayer(player, fetcher)
        proofs.hand_in()
    if not proofs.proposed and not player.story.plot.releases_tried:
        return
    console.print("[bold]4[/] Beyond the reported release, and beyond the reported input:")
    with showing(console) as live:
        further = proofs.await_all(lambda seen: live.update(further_table(seen)))
    for line in further_lines(further):
        console.print(f"  {line}", markup=False, highlight=False)


@contextmanager
def showing(console: Console) -> Iterator[Live]:
    """Show what is updated in place while the block runs; where that cannot be, its last state on lines of its own."""
    with Live(console=console, refresh_per_second=8) as live:
        yield live
    if not console.is_terminal:
        console.line()


def verdicts(player: Player, kept: list[KeptValidation]) -> Table:
    """Draw how far each report is."""
    table = Table("report", "from", "verdict", "what was seen", box=None, pad_edge=True)
    for number, (sent, each) in enumerate(zip(player.story.plot.reports, kept, strict=True), start=1):
        who = player.story.plot.organisations[sent.by].name
        name = f"{number} {Path(sent.file).parent.name}"
        if each.outcome is None:
            table.add_row(name, who, Spinner("dots", text=str(each.state.value)), "")
        else:
            verdict = each.outcome.verdict
            table.add_row(name, who, MARKS.get(verdict, verdict.replace("_", " ")), visible_line(player.seen_of(each)))
    return table


def patch_by(player: Player, lists: dict[str, tuple[PatchBy, ...]]) -> Table:
    """Draw every operator's list."""
    table = Table("operator", "asset", "component", "installed", "fixed", "by", "row", box=None, pad_edge=True)
    for who, lines in lists.items():
        name = player.story.plot.organisations[who].name
        for line in lines:
            decision = line.decision
            by = decision.due.isoformat() if decision.due else "on system upgrade" if decision.row else "undetermined"
            row = str(decision.row.number) if decision.row else ""
            table.add_row(
                name, line.asset, line.component.removeprefix("pkg:"), line.version, line.fixed or "", by, row
            )
        if not lines:
            table.add_row(name, Text("not touched", style="green"))
    return table


def make_demo_model(settings: Settings) -> tuple[int, Speaker]:
    """Choose where the demonstration's upstream listens and who answers there, from now on whenever this serves."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    return port, make_demo_home(settings.home, port)


def keep_pass(settings: Settings, told: str) -> None:
    """Write ``story.json``, readable by this user alone."""
    path = settings.home / STORY_TOLD
    path.touch(mode=0o600)
    path.write_text(told)


def keep_table(settings: Settings, table: Table) -> None:
    """Write the story's last table, to be shown again."""
    told = Console(file=io.StringIO(), width=TABLE_COLUMNS)
    with told.capture() as captured:
        told.print(table)
    path = settings.home / LAST_TABLE
    path.touch(mode=0o600)
    path.write_text(captured.get())


@contextmanager
def serving(settings: Settings, console: Console, *, releases_tried: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """Run the site and every queue as a process of its own while the block runs.

    ``releases_tried``: how many releases each new flaw is run over, unless the environment says.
    """
    log = (settings.home / "serve.log").open("wb")
    # Fewer than usual: a dozen builds of each flaw's releases would keep the story waiting.
    environment = {"LEADTIME_RANGE_RELEASES": str(releases_tried), **os.environ, "LEADTIME_HOME": str(settings.home)}
    arguments = [sys.executable, "-I", "-m", "leadtime.doors.cli.main", "serve", "--same-host"]
    site = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        with console.status("Starting the site …"):
            await_ready(settings.url, site)
        yield site
    finally:
        site.send_signal(signal.SIGTERM)
        try:
            site.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            site.kill()
            site.wait()
        log.close()


def await_ready(url: str, site: subprocess.Popen[bytes]) -> None:
    """Return once the site answers; raises `Unavailable` if it ends or does not answer in time."""
    end = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < end and site.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=1, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise Unavailable("the site did not start", where=url, next_step="Read serve.log in LEADTIME_HOME.")
