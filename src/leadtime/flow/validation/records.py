"""What validation sees of a run, and what it says of it: plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from leadtime.flow.validation.acts.records import Act, ExitCodes, ProgramEnd
from leadtime.flow.validation.network.records import NetworkAttempt, NetworkUse
from leadtime.flow.validation.stacks.records import Fault, RaisedException, Stack
from leadtime.foundation.digests import Digest


class Oracle(StrEnum):
    """What counts as the flaw showing."""

    SANITIZER = "sanitizer"
    HANG = "hang"
    EXCEPTION = "exception"
    EXIT = "exit"
    CANARY = "canary"


class Word(StrEnum):
    """What a validation says of the vulnerable release."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not_reproduced"
    HARNESS_FAULT = "harness_fault"
    INCONCLUSIVE = "inconclusive"


REFUTING = frozenset({Word.NOT_REPRODUCED, Word.HARNESS_FAULT})
DECIDING = REFUTING | {Word.REPRODUCED}
"""Verdicts that say something of the report, and those that say that it is not so, or not the subject's fault."""


class FixedWord(StrEnum):
    """What a validation says of the fixed release."""

    CLEAN = "clean"
    STILL_FAILS = "still_fails"
    FAILS_OTHERWISE = "fails_otherwise"
    NOT_CHECKED = "not_checked"


class Harness(StrEnum):
    """Where the program that feeds the subject came from."""

    FINDER = "finder"
    SUBJECT = "subject"
    PLATFORM = "platform"


class Origin(StrEnum):
    """Whose code a frame is."""

    SUBJECT = "subject"
    FINDER = "finder"
    UNPROVEN = "unproven"
    """Says it is the subject's, but that could not be shown."""
    UNKNOWN = "unknown"
    """Code of no file, patched code, or an interpreter's stack that could not be read."""
    LIBRARY = "library"
    SANITIZER = "sanitizer"
    LIBC = "libc"
    ALLOCATOR = "allocator"
    INTERPRETER = "interpreter"
    SIGNAL = "signal"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a program was given besides its input, where that could make honest code fail.

    ``lowered`` are limits that are lower than the box's own, ``options`` the runtimes' options by their variables,
    ``brings_options`` whether the program itself holds code that sets more of them.
    """

    lowered: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    brings_options: bool = False


@dataclass(frozen=True, slots=True)
class RuntimeReport:
    """A sanitizer's runtime that ended a process, seen from outside.

    ``description`` is the runtime's own word for the error, read from its memory; ``access_class`` and
    ``access_bytes`` belong to accesses of memory that the runtime checked.
    """

    stack: Stack
    fault: Fault | None
    description: str
    access_class: str
    access_bytes: int
    is_write: bool
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True)
class ThreadSample:
    """What one thread was doing at one moment.

    ``state``: the kernel's letter. ``ran_ms`` and ``waited_ms``: how long it has had a processor, and was ready and
    waited for one, since it began; ``let_run_ms``: how long its program was let run until then.
    """

    process: int
    thread: int
    state: str
    ran_ms: int
    waited_ms: int
    let_run_ms: int
    stack: Stack


class Limit(StrEnum):
    """A limit that ended a run."""

    TIME = "the time limit"
    MEMORY = "the memory limit"
    OUTPUT = "the output limit"
    DISK = "the disk limit"
    OBSERVER = "a limit of the observer"
    TREE = "a limit on what a build may leave behind"


@dataclass(frozen=True, slots=True)
class SeenRun:
    """One run as it was seen from outside.

    ``claims_report``: its output holds text like a sanitizer's; ``claims_traceback``: like an interpreter's of an
    exception that nothing caught. ``raised``: the exceptions that ended one, of which ``unwatched`` says in words why
    some were not watched. ``loaded``: digests of the modules that its processes
    held when they ended, and of the sources that its interpreter imported; ``brought``: of what else may have come into
    them as code, empty where that cannot be told. ``exit_code``: the run command's, by the shell's word.
    """

    limit: Limit | None
    signal: int | None
    claims_report: bool
    reports: tuple[RuntimeReport, ...] = ()
    samples: tuple[tuple[ThreadSample, ...], ...] = ()
    loaded: frozenset[str] = frozenset()
    brought: frozenset[str] = frozenset()
    raised: tuple[RaisedException, ...] = ()
    unwatched: str = ""
    claims_traceback: bool = False
    network: tuple[NetworkAttempt, ...] = ()
    acts: tuple[Act, ...] = ()
    ends: tuple[ProgramEnd, ...] = ()
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class BuildInput:
    """A file that a build tool read, by the names it was asked for.

    ``has_directives``: it tells the compiler other names for its own lines. ``members``: of an archive of objects.
    """

    names: tuple[str, ...]
    digest: str
    has_directives: bool
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildStep:
    """One compiler, driver, assembler or linker of a build, as seen at its exec and its exit.

    ``order`` counts beginnings; steps come in the order of their ends. ``is_piped``: a compiler that wrote no file.
    """

    kind: str
    pid: int
    parent: int
    order: int
    inputs: tuple[BuildInput, ...]
    outputs: tuple[str, ...]
    flags: tuple[str, ...]
    """Why what it wrote is not believed; empty if it is."""
    is_piped: bool
    failed: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of an object or module that watched compilers and linkers wrote.

    ``is_whole``: it comes of files of the release only. ``sources``: the name of each file that was read -> its digest
    at that time, empty where different files were read under one name.
    """

    is_whole: bool
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """What one side's stacks are judged against.

    ``release`` maps the digest of each file of the release, and of the archives inside it, to its path there;
    ``proofs`` the digests of modules whose debug information may be believed; ``interpreters`` are the files of the
    one Python, ``library_places`` the directories of its standard library; ``exits`` what the recipe says of codes.
    """

    release: Mapping[str, str]
    proofs: Mapping[str, Proof]
    interpreters: frozenset[str]
    library_places: tuple[str, ...]
    exits: ExitCodes | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a merged stack; ``file`` is relative to the release where it is the subject's."""

    function: str
    file: str
    line: int | None
    origin: Origin

    @property
    def text(self) -> str:
        """Return it as the contract writes it: ``function file:line``, as far as it is known."""
        if not self.file:
            return self.function
        return f"{self.function} {self.file}" if self.line is None else f"{self.function} {self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Crash:
    """A flaw that showed in the subject: class and access in the sanitizer's words; its stack, innermost first."""

    crash_class: str
    access: str
    frames: tuple[Frame, ...]
    signature: Digest

    @property
    def subject_frames(self) -> tuple[Frame, ...]:
        """Return the subject's own frames."""
        return tuple(frame for frame in self.frames if frame.origin is Origin.SUBJECT)


class Showing(StrEnum):
    """What one run showed."""

    HIT = "hit"
    FOREIGN = "foreign"
    """Something real, but not in the subject."""
    FORGED = "forged"
    """A claim that nothing stands behind."""
    UNSEEN = "unseen"
    """It could not be run or watched to its end, which is nobody's fault but ours."""
    STOPPED = "stopped"
    """A limit ended it."""
    DIED = "died"
    """A signal ended it, and no runtime reported that."""
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Judged:
    """One run's showing, with the reason in one sentence; ``crash`` for a hit only."""

    showing: Showing
    reason: str
    crash: Crash | None = None


class RunOf(StrEnum):
    """What a run was of."""

    CONTROL = "control"
    VULNERABLE = "vulnerable"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class ToldRun:
    """One run as a verdict tells it: what it showed and why, what ended it, and how often it tried the network."""

    of: RunOf
    showing: Showing
    reason: str
    limit: Limit | None
    signal: int | None
    exit_code: int | None
    network: int


@dataclass(frozen=True, slots=True)
class Rate:
    """How often it showed, with the 95 % Wilson score interval."""

    hits: int
    runs: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FixedSide:
    """What the fixed release showed."""

    word: FixedWord
    reason: str
    runs: int
    hits: int


@dataclass(frozen=True, slots=True)
class SeenSide:
    """Everything seen of one release. ``build_failure`` is one sentence, or empty if it was built.

    ``network``: who tried it while the release was built.
    """

    purl: str
    release_digest: str
    build_failure: str
    scene: Scene
    control: SeenRun | None = None
    runs: tuple[SeenRun, ...] = ()
    network: tuple[NetworkAttempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a validation says, and why, with the digests of everything it rests on."""

    word: Word
    reason: str
    rate: Rate | None
    crash: Crash | None
    fixed: FixedSide
    harness: Harness
    environment: Digest
    releases: tuple[tuple[str, str], ...]
    evidence: tuple[Digest, ...] = field(default=())
    controlled: bool = False
    network: tuple[NetworkUse, ...] = ()
    runs: tuple[ToldRun, ...] = ()
    oracle: Oracle = Oracle.SANITIZER
