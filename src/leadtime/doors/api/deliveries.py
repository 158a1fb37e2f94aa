"""A maintainer's answers, for those who have an account; the page by signed link needs none."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from leadtime.doors.api.asking import Asking, AskingOnce
from leadtime.doors.api.shapes import Input, Line
from leadtime.doors.api.shapes_flow import DeliveryShape
from leadtime.flow import coordination
from leadtime.flow.coordination import DeliveryId
from leadtime.foundation.database import Transaction

router = APIRouter(tags=["deliveries"])


class FixWanted(Input):
    """The release that has the fix; ``source``: where that was said, if not by the maintainer itself."""

    version: Line
    source: Line = "the maintainer"


@router.get("/deliveries/{delivery}", summary="Read a delivery")
def read_delivery(delivery: UUID, ask: Asking) -> DeliveryShape:
    """Return how far a delivery is."""
    with ask.transaction() as tx:
        return DeliveryShape.model_validate(coordination.read_delivery(tx, DeliveryId(delivery)))


@router.post("/deliveries/{delivery}/acknowledgement", summary="Acknowledge", response_model=DeliveryShape)
def acknowledge(delivery: UUID, ask: AskingOnce) -> Response:
    """Say that the delivery arrived; again changes nothing."""

    def act(tx: Transaction) -> DeliveryShape:
        return DeliveryShape.model_validate(coordination.acknowledge(tx, DeliveryId(delivery)))

    return ask.do(act, DeliveryShape, status=200)


@router.post("/deliveries/{delivery}/fixed-version", summary="Name the fixed version", response_model=DeliveryShape)
def name_fixed_version(delivery: UUID, wanted: FixWanted, ask: AskingOnce) -> Response:
    """Name the release that has the fix; another version corrects the former."""

    def act(tx: Transaction) -> DeliveryShape:
        return DeliveryShape.model_validate(
            coordination.name_fixed_version(tx, DeliveryId(delivery), wanted.version, source=wanted.source)
        )

    return ask.do(act, DeliveryShape, status=200)
