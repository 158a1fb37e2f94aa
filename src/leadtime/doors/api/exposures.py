"""An operator's inventories and its patch-by list."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit
from leadtime.doors.api.shapes import Input, Line, Page, page_of
from leadtime.doors.api.shapes_flow import ExposureShape, InventoryShape
from leadtime.flow import exposure
from leadtime.flow.exposure import ExposureId
from leadtime.flow.priority import Answer
from leadtime.formats.inventories import InventoryForm
from leadtime.foundation.database import Transaction
from leadtime.workflows import publishing

router = APIRouter()

_INVENTORY_BODY = {
    "requestBody": {
        "required": True,
        "description": "CycloneDX JSON, pip freeze, package-lock.json, or CSV (name, version, ecosystem; or purl).",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class DeploymentWanted(Input):
    """The version that is now in place."""

    version: Line


@router.get("/inventories", tags=["inventories"], summary="List your inventories")
def list_inventories(
    ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[InventoryShape]:
    """Return the newest inventory of each asset, in numbers."""
    with ask.transaction() as tx:
        found = [InventoryShape.model_validate(each) for each in exposure.list_inventories(tx)]
    return page_of(found, cursor, limit, lambda one: one.id)


@router.post(
    "/inventories",
    tags=["inventories"],
    status_code=201,
    summary="Give what an asset runs",
    response_model=InventoryShape,
    openapi_extra=_INVENTORY_BODY,
)
def keep_inventory(
    ask: AskingOnce,
    asset: Annotated[str, Query(min_length=1, max_length=200, description="Your own name for the asset.")],
    exposed: Annotated[Answer, Query(description="Can it be reached from the internet?")],
    form: Annotated[InventoryForm | None, Query(description="Recognised if not said.")] = None,
) -> Response:
    """Keep the body as the asset's newest inventory; it is held against everything published."""

    def act(tx: Transaction) -> InventoryShape:
        kept = publishing.keep_inventory(tx, asset=asset, exposed=exposed, raw=ask.body, form=form)
        return InventoryShape.model_validate(kept)

    return ask.do(act, InventoryShape, status=201)


@router.get("/exposures", tags=["exposures"], summary="Read your patch-by list")
def patch_by_list(
    ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[ExposureShape]:
    """Return what touches you, in the order in which to work."""
    with ask.transaction() as tx:
        found = [ExposureShape.model_validate(each) for each in exposure.patch_by_list(tx)]
    return page_of(found, cursor, limit, lambda line: line.exposure)


@router.post(
    "/exposures/{exposed}/deployment", tags=["exposures"], summary="Mark as deployed", response_model=ExposureShape
)
def mark_deployed(exposed: UUID, wanted: DeploymentWanted, ask: AskingOnce) -> Response:
    """Record the version that is now in place."""

    def act(tx: Transaction) -> ExposureShape:
        return ExposureShape.model_validate(exposure.mark_deployed(tx, ExposureId(exposed), wanted.version))

    return ask.do(act, ExposureShape, status=200)
