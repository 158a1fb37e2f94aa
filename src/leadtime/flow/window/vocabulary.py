"""The words of *window*: states, moves, and what terms are made of."""

from __future__ import annotations

from enum import StrEnum


class ModelState(StrEnum):
    """How far a model is, by its developer's moves alone."""

    ENROLLED = "enrolled"
    OFFERED = "offered"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"


class ModelMove(StrEnum):
    """What is done with a model; all but a proposal is its developer's alone."""

    PROPOSE = "propose a partner"
    OPEN_WINDOW = "open a window"
    SET_MILESTONE = "set a milestone"
    WITHDRAW = "withdraw"
    RELEASE = "release"


class WindowKind(StrEnum):
    """Whom a window is for."""

    GOVERNMENT = "government"
    PARTNER = "partner"


class WindowState(StrEnum):
    """How a window is; EXPIRED is read from the clock and never written."""

    OPEN = "open"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"


class WindowMove(StrEnum):
    """What happens to a window."""

    OFFER = "offer to an agency"
    CONSENT = "consent to a partner"
    GRANT = "grant to a person"
    SHORTEN = "shorten"
    END_REACHED = "its end is reached"
    WITHDRAW = "withdraw"
    RELEASE = "release"


class EntryState(StrEnum):
    """How an organisation stands in a window."""

    PROPOSED = "proposed"
    JOINED = "joined"
    RETRACTED = "retracted"
    ENDED = "ended"


class EntryMove(StrEnum):
    """What moves an entry; silence moves nothing, so what nobody consents to stays proposed."""

    CONSENT = "the developer consents"
    RETRACT = "its proposer retracts"
    END = "the developer ends it"


class AccessMode(StrEnum):
    """How an offered model is reached; weights are not built yet."""

    HOSTED = "hosted"
    WEIGHTS = "weights"


class Modality(StrEnum):
    """What goes into a model and comes out."""

    TEXT = "text"
    TEXT_AND_IMAGES = "text and images"
    EMBEDDINGS = "embeddings"


class WireFormat(StrEnum):
    """How the upstream is spoken to."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


class RecordMode(StrEnum):
    """What is kept of each call: salted digests, sizes and times; or besides, content sealed to each side."""

    COMMITMENTS = "commitments"
    SEALED = "sealed"


class BarredUse(StrEnum):
    """Uses that an agreement may bar by name."""

    TRAINING = "training"
    DISTILLATION = "distillation"
    REDISTRIBUTION = "redistribution"
    PROCUREMENT = "procurement"
    ENFORCEMENT = "enforcement"


class DeveloperMay(StrEnum):
    """What an agreement lets the developer do with the content of calls; who, when and how much it sees of every one.

    To read is what records sealed to both sides need. To log is about the developer's own upstream, which is out of
    our sight: the two sides hold each other to it.
    """

    LOG_CONTENT = "log content"
    READ_CONTENT = "read content"


class Disposition(StrEnum):
    """What a holder did with what it had when access ended."""

    RETURNED = "returned"
    DESTROYED = "destroyed"
    NOTHING_HELD = "nothing was held"
    KEPT_BY_LAW = "kept where a law says so"


class Ending(StrEnum):
    """Why access is over (or has not begun), as its holder is told."""

    NOT_BEGUN = "it has not begun"
    WITHDRAWN = "the developer withdrew it"
    RELEASED = "the model was released"
    ENTRY_ENDED = "the developer ended the organisation's access"
    GRANT_ENDED = "the grant was ended"
    PERSON_GONE = "the person was removed"
    CONFLICT = "the person has a conflict of interest about the developer"
    FOREIGN_ACCESS = "the agreement bars foreign access"
    PURPOSE_GONE = "the purpose is no longer in the agreement"
    EXPIRED = "its end was reached"


class EventKind(StrEnum):
    """What a line of a model's history tells; also the kind of its leaf in the model's log."""

    ENROLLED = "enrolled"
    AGREED = "agreed"
    MILESTONE = "milestone"
    OPENED = "opened"
    SHORTENED = "shortened"
    OFFERED = "offered"
    PROPOSED = "proposed"
    CONSENTED = "consented"
    RETRACTED = "retracted"
    ENTRY_ENDED = "entry-ended"
    GRANTED = "granted"
    CREDENTIAL_ISSUED = "credential-issued"
    GRANT_ENDED = "grant-ended"
    AUDITOR_NAMED = "auditor-named"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"
    SIGNED_OFF = "signed-off"
    REFUSED = "refusal"
