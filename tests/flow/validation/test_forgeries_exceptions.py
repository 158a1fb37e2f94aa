"""Harnesses that make it look as if the subject raised what ended the program: none is believed, and it is said why."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.validation.records import Judged, Showing
from tests.flow.validation.uncaught import shown_by

pytestmark = pytest.mark.sandbox

NOT_THE_SUBJECTS = "is the harness's, not the subject's"
NOT_UNCHANGED = "could not be shown to be built from the release unchanged"
SET_FROM_OUTSIDE = "it was set from outside, by a signal or another thread"
THROWN = "it was not raised there: it was thrown into that frame, or raised again where it could not be followed"
TRACED = "a trace or profile function was set, which can raise it anywhere"

STORED = (
    "import asyncio\nfuture = asyncio.new_event_loop().create_future()\nfuture.set_exception(brittle.try_out('!'))\n"
)
TEXT = (
    'Traceback (most recent call last):\\n  File "brittle/__init__.py", line 37, in parse\\nValueError: no such text\\n'
)

FORGERIES: dict[str, tuple[str, Showing, str]] = {
    "prints a traceback": (
        f"import os\nos.write(2, b'{TEXT}')\nos._exit(1)\n",
        Showing.FORGED,
        "the output holds a traceback, but no exception was seen to end the program",
    ),
    "prints a real traceback after all was caught": (
        (
            "import traceback\ntry:\n    brittle.parse('!')\nexcept ValueError:\n"
            "    traceback.print_exc()\nraise SystemExit(1)\n"
        ),
        Showing.QUIET,
        "the program ended by SystemExit, which is no failure",
    ),
    "raises it in a child that it forks": (
        "import os\nif not os.fork():\n    brittle.parse('!')\nos.wait()\n",
        Showing.FORGED,
        "the output holds a traceback, but no exception was seen to end the program",
    ),
    "raises it in another thread": (
        (
            "import os, threading\nthread = threading.Thread(target=brittle.parse, args='!')\n"
            "thread.start()\nthread.join()\n"
            "os._exit(1)\n"
        ),
        Showing.FORGED,
        "the output holds a traceback, but no exception was seen to end the program",
    ),
    "borrows a traceback": (
        (
            "try:\n    brittle.parse('!')\nexcept ValueError as problem:\n"
            "    borrowed = problem.__traceback__.tb_next\n"
            "raise ValueError('no such text').with_traceback(borrowed)\n"
        ),
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "makes a traceback": (
        (
            "import types\ntry:\n    brittle.parse('!')\nexcept ValueError as problem:\n"
            "    last = problem.__traceback__.tb_next\n"
            "made = types.TracebackType(None, last.tb_frame, last.tb_lasti, last.tb_lineno)\n"
            "try:\n    raise ValueError.with_traceback(ValueError('no such text'), made)\nfinally:\n    pass\n"
        ),
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "raises what the subject caught and kept": ("raise brittle.try_out('!')\n", Showing.FOREIGN, NOT_THE_SUBJECTS),
    "has the interpreter raise what the subject caught and kept": (
        f"{STORED}future.result()\n",
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "raises what the subject caught at the very instruction that called the subject": (
        f"{STORED}for act in (lambda: 0, lambda: brittle.try_out('!'), future.result):\n    act()\n",
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "catches the subject's and raises its own": (
        (
            "try:\n    brittle.parse('!')\nexcept ValueError:\n    pass\nfor _ in range(9):\n    try:\n"
            "        int('x')\n    finally:\n"
            "        pass\n"
        ),
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "throws it into the subject's generator": (
        "letters = brittle.letters('ab')\nnext(letters)\nletters.throw(ValueError('no such text'))\n",
        Showing.FOREIGN,
        THROWN,
    ),
    "raises it in a callback": (
        "def visit(letter):\n    raise ValueError('no such text')\nbrittle.each('x', visit)\n",
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "raises it in a callback and lets it pass through the subject's finally": (
        (
            "def visit(text):\n    try:\n        brittle.parse('!')\n    except ValueError as problem:\n"
            "        kept = problem.__traceback__.tb_next\n    raise ValueError('no such text').with_traceback(kept)\n"
            "brittle.guard('x', visit)\n"
        ),
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "traces the subject in Python": (
        (
            "import sys\ndef trace(frame, event, argument):\n    if frame.f_code.co_name == 'parse':\n"
            "        raise ValueError('no such text')\nsys.settrace(trace)\nbrittle.parse('x')\n"
        ),
        Showing.FOREIGN,
        TRACED,
    ),
    "traces the subject in C": (
        "import operator, sys\nbrittle.each([operator.truediv], sys.settrace) and brittle.parse('x')\n",
        Showing.FOREIGN,
        TRACED,
    ),
    "profiles the subject in C": (
        "import operator, sys\nbrittle.each([operator.truediv], sys.setprofile) and brittle.parse('x')\n",
        Showing.FOREIGN,
        TRACED,
    ),
    "replaces the subject's code": (
        "brittle.parse.__code__ = (lambda text: 1 / 0).__code__\nbrittle.parse('x')\n",
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "replaces constants in the subject's code": (
        (
            "code = brittle.parse.__code__\nconstants = tuple('' if one == '!' else one for one in code.co_consts)\n"
            "brittle.parse.__code__ = code.replace(co_consts=constants)\nbrittle.parse('x')\n"
        ),
        Showing.FOREIGN,
        NOT_UNCHANGED,
    ),
    "compiles its own text under the subject's name": (
        (
            "exec(compile('\\n' * 30 + 'def parse(text):\\n    raise ValueError(text)\\n"
            "', brittle.__file__, 'exec'))\nparse('x')\n"
        ),
        Showing.FOREIGN,
        NOT_UNCHANGED,
    ),
    "replaces what the subject calls": (
        (
            "import json\ndef loads(text):\n    raise ValueError('no such text')\nbrittle.json = json\n"
            "json.loads = loads\n"
            "brittle.decode('1')\n"
        ),
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "sets it in the running thread through ctypes": (
        (
            "import ctypes, functools, threading\nset_it = ctypes.pythonapi.PyThreadState_SetAsyncExc\n"
            "kind, me = ctypes.py_object(ValueError), ctypes.c_ulong(threading.get_ident())\n"
            "brittle.each('x', functools.partial(set_it, me, kind))\n"
        ),
        Showing.FOREIGN,
        SET_FROM_OUTSIDE,
    ),
    "raises it through ctypes in the subject": (
        (
            "import ctypes, functools\nraise_it = ctypes.pythonapi.PyErr_SetString\nraise_it.restype = None\n"
            "brittle.each('x', functools.partial(raise_it, ctypes.py_object(ValueError), b'no such text'))\n"
        ),
        Showing.FOREIGN,
        "it was raised through ctypes, by which anything can be raised anywhere",
    ),
    "has a signal's reception raise it": (
        (
            "import operator, signal\nsignal.signal(signal.SIGALRM, operator.truediv)\n"
            "brittle.each([signal.SIGALRM], signal.raise_signal)\n"
        ),
        Showing.FOREIGN,
        SET_FROM_OUTSIDE,
    ),
    "has the interpreter think that a signal came": (
        (
            "import _thread, operator, signal\nsignal.signal(signal.SIGALRM, operator.truediv)\n"
            "brittle.each([signal.SIGALRM], _thread.interrupt_main)\n"
        ),
        Showing.FOREIGN,
        SET_FROM_OUTSIDE,
    ),
    "interrupts the subject": (
        # A shell may have started us with this signal ignored, which programs inherit.
        (
            "import _thread, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "brittle.each([2], _thread.interrupt_main)\n"
        ),
        Showing.FORGED,
        "the output holds a traceback, but no exception was seen to end the program",
    ),
    "leaves the subject no memory": (
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 26, 1 << 26))\nbrittle.grow('xxxx')\n",
        Showing.FOREIGN,
        "who used up the memory cannot be told",
    ),
    "leaves the subject no descriptor": (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\nbrittle.each(['/dev/null'], open)\n",
        Showing.FOREIGN,
        "it ran with a lowered limit: open files",
    ),
    "lowers the recursion limit": (
        "import sys\nsys.setrecursionlimit(60)\nbrittle.descend(100)\n",
        Showing.FOREIGN,
        "the recursion limit was lowered to 60",
    ),
    "uses up the stack first": (
        "def dig(levels):\n    return dig(levels - 1) if levels else brittle.descend(100)\ndig(940)\n",
        Showing.FOREIGN,
        "most of its stack is not the subject's",
    ),
    "changes the interpreter's code": (
        (
            "import ctypes\nplace = ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value\n"
            "page = ctypes.c_void_p(place & -4096)\nassert ctypes.CDLL(None).mprotect(page, 8192, 7) == 0\n"
            "ctypes.memset(place, 0x90, 1)\nbrittle.parse('!')\n"
        ),
        Showing.FOREIGN,
        "the interpreter's code was changed in its memory",
    ),
    "calls the subject to print its own failure": (
        "import sys\nsys.excepthook = lambda *_: brittle.parse('!')\nraise ValueError('no such text')\n",
        Showing.FOREIGN,
        NOT_THE_SUBJECTS,
    ),
    "ends well before the subject fails": (
        "import atexit, os\natexit.register(brittle.parse, '!')\n",
        Showing.FORGED,
        "the output holds a traceback, but no exception was seen to end the program",
    ),
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    """Return what each forgery shows."""
    place: Path = tmp_path_factory.mktemp("forgeries")
    return shown_by({name: text for name, (text, _, _) in FORGERIES.items()}, place)


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_exception_is_not_believed(name: str, shown: dict[str, Judged]) -> None:
    _, showing, reason = FORGERIES[name]

    assert (shown[name].showing, shown[name].crash) == (showing, None), shown[name].reason
    assert shown[name].reason.endswith(reason)
