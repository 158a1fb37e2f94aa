"""Pages of offered models: the developer's console, and what a holder of access may do and how."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from starlette.responses import Response

from leadtime.doors.read_models.offers import read_model_page, read_models
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.flow import window
from leadtime.flow.gateway import CallId
from leadtime.flow.window import Disposition, GrantId, ModelId, WindowId
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Malformed
from leadtime.foundation.ids import parse_id
from leadtime.foundation.voluntary import NOTICE
from leadtime.workflows.early_access import leaving_refusals

HERE = "/models"
FOLLOW_SECONDS = 2


def show_models(ask: PageAsk) -> Response:
    """Show the models that the visitor enrolled, or may use."""
    ask.signed_in()
    with ask.transaction() as tx:
        models = read_models(tx)
    return ask.page("models.html", here=HERE, models=models, notice=NOTICE)


def show_model(ask: PageAsk) -> Response:
    """Show one model."""
    return _model_page(ask)


def withdraw_model(ask: PageAsk) -> Response:
    """End every window of a model: one press, nobody else is asked (I1)."""
    model = enrolled_at(ask)
    return refusing(ask, model, lambda tx: window.withdraw_model(tx, model))


def release_model(ask: PageAsk) -> Response:
    """Record that a model is public: one press, nobody else is asked (I1)."""
    model = enrolled_at(ask)
    return refusing(ask, model, lambda tx: window.release(tx, model))


def withdraw_window(ask: PageAsk) -> Response:
    """End one window."""
    found = WindowId(parse_id(ask.request.path_params["window_id"], where="window"))
    return refusing(ask, found, lambda tx: window.withdraw(tx, found))


def end_grant(ask: PageAsk) -> Response:
    """End one person's access."""
    grant = _grant_of(ask)
    return refusing(ask, grant, lambda tx: window.end_grant(tx, grant))


def draw_credential(ask: PageAsk) -> Response:
    """Give the person their credential; the page that answers shows it, this once."""
    grant = _grant_of(ask)
    with leaving_refusals(ask.site.database, ask.viewer, grant), ask.transaction() as tx:
        issued = window.issue_credential(tx, grant)
    return _model_page(ask, secret=issued.secret)


def sign_off(ask: PageAsk) -> Response:
    """Sign what became of what a grant gave."""
    if ask.form.get("disposition") not in set(Disposition):
        raise Malformed("choose what became of it", where="disposition", next_step="Choose one.")
    grant, became = _grant_of(ask), Disposition(ask.form["disposition"])
    return refusing(ask, grant, lambda tx: window.sign_off(tx, grant, became, note=ask.form.get("note", "")))


def refusing(ask: PageAsk, thing: UUID, act: Callable[[Transaction], object]) -> Response:
    """Do a move and show the model again; a refusal leaves a leaf in its log."""
    with leaving_refusals(ask.site.database, ask.viewer, thing), ask.transaction() as tx:
        act(tx)
    return see_other(f"{HERE}/{enrolled_at(ask)}")


def _model_page(ask: PageAsk, secret: str = "") -> Response:
    ask.signed_in()
    asked = ask.request.query_params.get("before")
    before = CallId(parse_id(asked, where="before")) if asked else None
    with ask.transaction() as tx:
        page = read_model_page(tx, enrolled_at(ask), before=before)
    follow = FOLLOW_SECONDS if ask.request.query_params.get("follow") == "yes" else 0
    url = ask.site.settings.url
    return ask.page("model.html", here=HERE, page=page, notice=NOTICE, secret=secret, url=url, follow=follow)


def enrolled_at(ask: PageAsk) -> ModelId:
    """Return the model that the address names."""
    return ModelId(parse_id(ask.request.path_params["model"], where="model"))


def _grant_of(ask: PageAsk) -> GrantId:
    return GrantId(parse_id(ask.request.path_params["grant_id"], where="grant"))
