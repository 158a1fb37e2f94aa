"""An exit code counts where the program that ended by it is the release's own, whole, and was given a fair trial."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.flow.validation.acts.records import ExitCodes, ProgramEnd
from leadtime.flow.validation.oracles.crashes import signature_of
from leadtime.flow.validation.oracles.exit import judge_exit
from leadtime.flow.validation.records import Crash, Judged, Limit, Origin, Proof, SeenRun, Showing
from leadtime.flow.validation.stacks.records import Module
from tests.flow.validation.seen import LIBC, PYTHON, SOURCE, SUBJECT, frame, native, python, stack
from tests.flow.validation.seen import SCENE as WORLD

TOOL = "/box/work/tool"
WHOLE = Proof(is_whole=True, sources={SOURCE: "d:brittle.c"})
SCENE = replace(WORLD, proofs={**WORLD.proofs, "d:tool": WHOLE}, exits=ExitCodes((3, 4), (0,)))
ENDING = native("_exit", LIBC)
OWN = {TOOL: Module("d:tool", is_intact=True)}
IN_C = ProgramEnd(3, TOOL, (), None, stack(ENDING, modules=OWN))
IN_PYTHON = ProgramEnd(3, PYTHON, (), ("d:package",), replace(stack(ENDING), modules={}))


def run(*ends: ProgramEnd, code: int | None = 3, limit: Limit | None = None) -> SeenRun:
    return SeenRun(limit, None, claims_report=False, ends=ends, exit_code=code)


def test_a_program_made_of_the_release_alone_is_a_hit() -> None:
    program = frame("tool", "", None)
    frames = (frame("_exit", "", None, Origin.LIBC), program)
    crash = Crash("exit-3", "", frames, signature_of("exit-3", (program,)))

    assert judge_exit(run(IN_C), SCENE) == Judged(Showing.HIT, "exit code 3 of tool", crash)


def test_a_file_of_the_release_that_an_interpreter_ran_is_a_hit() -> None:
    found = judge_exit(run(IN_PYTHON), SCENE)

    assert (found.showing, found.reason) == (Showing.HIT, "exit code 3 of (program) brittle/__init__.py")
    assert found.crash is not None
    assert found.crash.frames[-1] == frame("(program)", "brittle/__init__.py", None)


@pytest.mark.parametrize("shipped", ["d:shipped.so", "d:tool"])
def test_a_module_of_the_release_is_its_own_shipped_or_built(shipped: str) -> None:
    modules = {**OWN, "/box/src/lib/shipped.so": Module(shipped, is_intact=True)}

    assert judge_exit(run(replace(IN_C, stack=stack(ENDING, modules=modules))), SCENE).showing is Showing.HIT


TEXT = stack(
    native("_PyEval_EvalFrameDefault", PYTHON),
    python=(python("f", "<string>", entry=True),),
    modules={"/box/src/lib/shipped.so": Module("d:package", is_intact=True)},
)
NOT_OWN = "code that is not the release's own was in its program"
NOT_ITS = "its program is not the release's own"
READ_OTHERS = "its interpreter ran or read what is not the release's own"
NOBODY = "no program of the release ended by it"


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (replace(IN_C, code=4), NOBODY),
        (replace(IN_C, stack=stack(ENDING, modules={TOOL: Module("d:tool", is_intact=False)})), NOT_OWN),
        (replace(IN_C, stack=stack(ENDING, modules={TOOL: Module("d:target", is_intact=True)})), NOT_OWN),
        (replace(IN_C, stack=stack(ENDING, modules={**OWN, "/box/x.so": Module("d:x", is_intact=True)})), NOT_OWN),
        (replace(IN_C, stack=stack(ENDING, modules={**OWN, "/tmp/x.so": Module("", is_intact=True)})), NOT_OWN),
        (replace(IN_C, program="/usr/bin/dash"), NOT_ITS),
        (replace(IN_PYTHON, opened=()), READ_OTHERS),
        (replace(IN_PYTHON, opened=("d:package", "")), READ_OTHERS),
        (replace(IN_PYTHON, opened=("d:h.py", "d:package")), READ_OTHERS),
        (
            replace(IN_PYTHON, stack=TEXT),
            "its faulting frame f <string>:3 is the harness's, not the subject's",
        ),
        (replace(IN_C, lowered=("open files",)), "it ran with a lowered limit: open files"),
    ],
)
def test_what_else_was_in_it_is_named(end: ProgramEnd, reason: str) -> None:
    assert judge_exit(run(end), SCENE) == Judged(Showing.FOREIGN, f"exit code 3, but {reason}")


def test_one_program_of_the_releases_is_enough_and_the_last_doubt_is_told() -> None:
    lowered = replace(IN_C, lowered=("open files",))

    assert judge_exit(run(lowered, IN_C), SCENE).showing is Showing.HIT
    assert judge_exit(run(lowered, replace(IN_PYTHON, opened=())), SCENE).reason == f"exit code 3, but {READ_OTHERS}"


def test_the_subjects_own_frame_at_the_end_is_no_doubt() -> None:
    modules = {**OWN, "/box/work/target": Module("d:tool", is_intact=True)}

    assert judge_exit(run(replace(IN_C, stack=stack(ENDING, SUBJECT, modules=modules))), SCENE).showing is Showing.HIT


def test_an_end_whose_stack_could_not_be_read_is_unseen() -> None:
    unread = replace(IN_C, stack=stack(modules=OWN))

    assert judge_exit(run(IN_C, unread), SCENE) == Judged(
        Showing.UNSEEN, "the stack of a program's end could not be read"
    )


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (run(IN_C, code=0), Judged(Showing.QUIET, "it ended with exit code 0, as without the flaw")),
        (run(IN_C, code=7), Judged(Showing.DIED, "it ended with exit code 7, which the recipe does not name")),
        (run(code=None, limit=Limit.TIME), Judged(Showing.STOPPED, "the time limit was reached")),
        (run(code=4), Judged(Showing.FOREIGN, f"exit code 4, but {NOBODY}")),
    ],
)
def test_what_the_recipe_says_of_a_code_is_what_it_means(seen: SeenRun, found: Judged) -> None:
    assert judge_exit(seen, SCENE) == found


def test_without_codes_nothing_shows() -> None:
    assert judge_exit(run(IN_C), replace(SCENE, exits=None)) == Judged(Showing.QUIET, "nothing was seen")
