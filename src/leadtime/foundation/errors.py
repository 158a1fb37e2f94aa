"""One root, five families, named by what the caller can do next.

A message is one sentence that says *what* is wrong and *where*; ``next_step`` says what to do.
No family knows HTTP or exit codes: doors translate.
"""

from __future__ import annotations


class LeadtimeError(Exception):
    """Root of every error that Leadtime raises on purpose.

    ``what`` is one sentence for a person, without secrets and without the hostile bytes themselves;
    ``where`` names the place (field, file, line, address); ``next_step`` is one imperative sentence.
    """

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        """Return the whole sentence: where, what, and what to do."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.next_step}" if self.next_step else text


class Malformed(LeadtimeError):
    """The input is wrong; fix it and send it again."""


class Refused(LeadtimeError):
    """The input is fine, but a stated policy says no; the message names the policy."""


class Missing(LeadtimeError):
    """There is no such thing, or the viewer may not know that there is."""


class Conflict(LeadtimeError):
    """The thing has changed or exists with other content; read it again and decide."""


class Unavailable(LeadtimeError):
    """Something outside did not answer or a limit was hit; the same request may succeed later."""
