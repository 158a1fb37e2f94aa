"""The texts of a bundle, pure: a script that rebuilds and reruns with plain tools, and what a person reads first.

The commands are their finder's. They lie in files of their own, and the script confines them; its own text holds
nothing of a report's.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from leadtime.flow.validation.fairness.rules import fitting_options
from leadtime.flow.validation.recipe import Recipe, fill
from leadtime.flow.validation.records import Verdict
from leadtime.flow.validation.rules import plain_input_name
from leadtime.flow.validation.trial.build import BUILD_OPTIONS
from leadtime.foundation.lines import one_line

GIVEN = "given/"
PLACES: Mapping[str, str] = {"src": "/lt/src", "site": "/lt/site", "python": "python3"}
"""What the placeholders stand for inside the confinement; nothing of it needs quoting."""

LINE_CHARS_MAX = 300
FRAMES_SHOWN_MAX = 12

RUN = """\
#!/bin/sh
# Builds a release as the recipe says, and runs it on the input that shows the flaw. Offline; needs bubblewrap, tar and
# what the recipe's commands use.
#   sh run.sh               the vulnerable release: it should fail
#   sh run.sh fixed         the fixed release, if there is one: it should not
# The commands in steps/ were written by whoever found the flaw. They run without network, and see this machine's /usr
# read-only and one scratch folder. Read them first.
set -eu
side=${1:-vulnerable}
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
sha256sum --quiet -c SHA256SUMS
for given in given/*; do :; done
if command -v leadtime >/dev/null 2>&1 && [ "$side" = vulnerable ] && [ -z "${PLAIN:-}" ]; then
  exec leadtime validate --recipe recipe/recipe.json --input "$given" --releases releases
fi
[ -d "releases/$side" ] || { echo "there is no $side release here" >&2; exit 2; }
command -v bwrap >/dev/null || { echo "bubblewrap is not installed (apt install bubblewrap)" >&2; exit 5; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/src" "$scratch/site" "$scratch/needs" "$scratch/work" "$scratch/home"
python3 unpack.py "releases/$side/source" "$scratch/src" 1
for wheel in releases/needs/*.whl; do
  if [ -e "$wheel" ]; then python3 unpack.py "$wheel" "$scratch/needs" 0; fi
done
if [ -e "releases/$side/wheel" ]; then python3 unpack.py "releases/$side/wheel" "$scratch/site" 0; fi
cp -r recipe/. "$scratch/work/"
rm "$scratch/work/recipe.json"
confined() {
  set -- --unshare-all --die-with-parent --new-session --ro-bind /usr /usr --symlink usr/bin /bin \\
    --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/sbin /sbin \\
    --ro-bind-try /etc/alternatives /etc/alternatives --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache \\
    --proc /proc --dev /dev --tmpfs /tmp --bind "$scratch" /lt \\
    --ro-bind "$here/steps" /lt/steps --ro-bind "$here/given" /lt/given --chdir /lt/work --clearenv \\
    --setenv PATH /usr/bin:/bin --setenv LANG C.UTF-8 --setenv HOME /lt/home "$@"
  bwrap "$@"
}
echo "building the $side release"
for step in steps/build-*.sh; do
  if [ -e "$step" ]; then confined sh "/lt/$step"; fi
done
echo "running the $side release"
code=0
confined sh /lt/steps/run.sh || code=$?
echo "it ended with exit code $code"
"""

UNPACK = '''\
"""Unpack an archive whose members stay inside: ``unpack.py ARCHIVE FOLDER STRIP``; for run.sh."""

import os
import subprocess
import sys
import zipfile


def main():
    archive, folder, strip = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if not zipfile.is_zipfile(archive):
        command = ["tar", "-xf", archive, "-C", folder, f"--strip-components={strip}", "--no-same-owner"]
        sys.exit(subprocess.run(command).returncode)
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            parts = [part for part in member.filename.split("/") if part not in ("", ".")]
            if member.filename.startswith("/") or ".." in parts:
                sys.exit(f"{member.filename!r} leads out of the archive")
            if member.is_dir() or not parts[strip:]:
                continue
            target = os.path.join(folder, *parts[strip:])
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with opened.open(member) as source, open(target, "wb") as kept:
                kept.write(source.read())
            os.chmod(target, 0o755 if (member.external_attr >> 16) & 0o111 else 0o644)


main()
'''


def given_place(name: str) -> str:
    """Return where the input of that name lies in a bundle."""
    return f"{GIVEN}{plain_input_name(name)}"


def steps_of(recipe: Recipe, given: str, *, has_wheel: bool) -> dict[str, str]:
    """Return the files of commands by name: one for each step of the build, and the run on the input of that name."""
    env = {**BUILD_OPTIONS, "PYTHONPATH": "/lt/needs", "PYTHONDONTWRITEBYTECODE": "1", **dict(recipe.env)}
    commands = [fill(command, PLACES) for command in recipe.build]
    if recipe.uses("site") and not has_wheel:
        commands.insert(0, "python3 -B /lt/steps/make_site.py /lt/src /lt/site")
    steps = {f"steps/build-{number:03}.sh": _step(command, env) for number, command in enumerate(commands)}
    run = fill(recipe.run, {**PLACES, "input": f"/lt/{given_place(given)}"})
    return {**steps, "steps/run.sh": _step(run, fitting_options(dict(recipe.env)))}


def _step(command: str, env: Mapping[str, str]) -> str:
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(env.items()))
    return f"{exports}exec sh -c {shlex.quote(command)}\n"


def readme_of(recipe: Recipe, verdict: Verdict) -> str:
    """Return what a person reads first; nothing of a report's can command a terminal or begin a line of its own."""
    crash, rate = verdict.crash, verdict.rate
    lines = [
        "# A flaw that was reproduced",
        "",
        f"* vulnerable: {_shown(str(recipe.vulnerable))}",
        f"* fixed: {_shown(str(recipe.fixed)) if recipe.fixed else 'no release is named'}",
        f"* verdict: {verdict.word.value.replace('_', ' ')}: {_shown(verdict.reason)}",
        f"* fixed release: {verdict.fixed.word.value.replace('_', ' ')}",
    ]
    if rate is not None:
        lines.append(f"* seen in {rate.hits} of {rate.runs} runs")
    if crash is not None:
        lines += [f"* class: {_shown(crash.crash_class)} {_shown(crash.access)}".rstrip(), "", "Where it fails:", ""]
        lines += [f"    {_shown(frame.text)}" for frame in crash.frames[:FRAMES_SHOWN_MAX]]
    return "\n".join([*lines, "", *_HOW])


_HOW = (
    "## See it again",
    "",
    "    sh run.sh",
    "    sh run.sh fixed",
    "",
    "It needs no network. Where `leadtime` is installed, it runs everything in its own sandbox and judges what it",
    "sees (`PLAIN=1 sh run.sh` does without); else plain tools build and run, confined by bubblewrap. The commands in",
    "`steps/`, the files in `recipe/` and the input were written by whoever found the flaw: read them before you run",
    "them elsewhere.",
    "",
    "`verdict.json` says what was seen, `environment.json` with which tools, `SHA256SUMS` what must lie here.",
    "",
)


def _shown(text: str) -> str:
    return one_line(text, chars_max=LINE_CHARS_MAX)
