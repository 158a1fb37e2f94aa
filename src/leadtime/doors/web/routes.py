"""Every page: its address, its method, the function that answers, and which part of an installation has it."""

from __future__ import annotations

from collections.abc import Collection

from starlette.routing import Route

from leadtime.doors.site import Part
from leadtime.doors.web import (
    acts,
    casework,
    deliveries,
    flags,
    front,
    offering,
    offers,
    operating,
    own,
    passkeys,
    patching,
    providers,
    queue,
    reading,
)
from leadtime.doors.web.asking import Handler, page_endpoint


def _get(path: str, handler: Handler) -> Route:
    return Route(path, page_endpoint(handler), methods=["GET"])


def _ask_provider(path: str, handler: Handler, method: str) -> Route:
    return Route(path, page_endpoint(handler, asks_provider=True), methods=[method])


def _post(path: str, handler: Handler) -> Route:
    return Route(path, page_endpoint(handler), methods=["POST"])


EVERYWHERE: tuple[Route, ...] = (
    _get("/", front.show_home),
    _get("/sign-in", front.show_sign_in),
    _post("/sign-in", front.sign_in_by_token),
    _post("/sign-in/passkey", passkeys.ask_for_passkey),
    _post("/sign-in/passkey/answer", passkeys.sign_in_by_passkey),
    _ask_provider("/sign-in/provider", providers.leave_to_sign_in, "POST"),
    _ask_provider("/sign-in/return", providers.come_back, "GET"),
    _get("/sign-in/{secret}", front.show_link),
    _post("/sign-in/{secret}", front.sign_in_by_link),
    _post("/sign-out", front.sign_out),
    _get("/me", own.show_me),
    _get("/me/passkeys/new", passkeys.show_new_passkey),
    _post("/me/passkeys", passkeys.add_passkey),
    _post("/me/passkeys/{passkey}/removal", passkeys.remove_passkey),
    _ask_provider("/me/identity", providers.leave_to_connect, "POST"),
    _post("/me/identities/{identity}/removal", providers.remove_identity),
    _post("/me/sessions/{session}/end", own.end_session),
    _post("/me/tokens", own.make_token),
    _post("/me/tokens/{token}/end", own.end_token),
    _post("/me/people/{person}/link", own.send_link),
    _post("/me/people/{person}/removal", own.remove_colleague),
    _get("/flags", flags.show_flags),
    _post("/flags", flags.state_conflict),
    _post("/flags/{conflict}/ending", flags.end_conflict),
    _post("/flags/people/{person}/mark", flags.mark_person),
    _post("/flags/organisation/mark", flags.mark_organisation),
    _get("/api", front.show_api),
)
"""The first page, signing in, and what is one's own; the secret in an address is of no use to whoever lacks it."""

EARLY_ACCESS: tuple[Route, ...] = (
    _get("/models", offers.show_models),
    _post("/models", offering.enrol_model),
    _get("/models/{model}", offers.show_model),
    _post("/models/{model}/milestones", offering.set_milestones),
    _post("/models/{model}/offers", offering.offer_model),
    _post("/models/{model}/partners", offering.propose_partner),
    _post("/models/{model}/entries/{entry}/grants", offering.give_access),
    _post("/models/{model}/entries/{entry}/end", offering.end_entry),
    _post("/models/{model}/withdraw", offers.withdraw_model),
    _post("/models/{model}/release", offers.release_model),
    _post("/models/{model}/windows/{window_id}/withdraw", offers.withdraw_window),
    _post("/models/{model}/grants/{grant_id}/credential", offers.draw_credential),
    _post("/models/{model}/grants/{grant_id}/end", offers.end_grant),
    _post("/models/{model}/grants/{grant_id}/return", offers.sign_off),
)
"""Offered models."""

CLEARINGHOUSE: tuple[Route, ...] = (
    _get("/acts", acts.show_acts),
    _post("/acts", acts.begin_act),
    _post("/acts/{act}/confirm", acts.confirm_act),
    _post("/acts/{act}/withdraw", acts.withdraw_act),
    _post("/acts/{act}/export", acts.give_export),
    _post("/acts/{act}/reading", acts.give_reading),
    _get("/queue", queue.show_queue),
    _get("/reports", reading.show_reports),
    _get("/reports/{report}", reading.show_report),
    _get("/reports/{report}/receipt.json", reading.give_receipt),
    _get("/reports/{report}/validation", reading.show_validation),
    _post("/reports/{report}/again", casework.validate_again),
    _post("/reports/{report}/examination", casework.examine),
    _post("/reports/{report}/case", casework.open_unproven),
    _get("/cases", casework.show_cases),
    _get("/cases/{case}", casework.show_case),
    _post("/cases/{case}/embargo", casework.set_embargo),
    _post("/cases/{case}/deliver", casework.deliver),
    _post("/cases/{case}/draft", casework.draft),
    _post("/cases/{case}/publish", casework.publish),
    _post("/cases/{case}/revise", casework.revise),
    _post("/cases/{case}/reopen", casework.reopen),
    _post("/cases/{case}/split", casework.split),
    _post("/cases/{case}/join", casework.join),
    _post("/cases/{case}/lift", casework.lift_embargo),
    _post("/cases/{case}/close", casework.close),
    _post("/cases/{case}/outcome", casework.decide),
    _post("/cases/{case}/severity", casework.state_severity),
    _post("/cases/{case}/withdraw", casework.withdraw),
    _get("/cases/{case}/reproducer.zip", casework.give_reproducer),
    _post("/cases/{case}/acknowledge", casework.acknowledge),
    _post("/cases/{case}/fixed", casework.name_fixed_version),
    _post("/cases/{case}/patches", patching.hand_in),
    _get("/cases/{case}/patches/{patch}.diff", patching.give),
    _get("/d/{secret}", deliveries.show_delivery),
    _get("/d/{secret}/reproducer.zip", deliveries.give_reproducer),
    _post("/d/{secret}/acknowledge", deliveries.acknowledge),
    _post("/d/{secret}/fixed", deliveries.name_fixed_version),
    _post("/d/{secret}/patches", patching.hand_in_by_link),
    _get("/d/{secret}/patches/{patch}.diff", patching.give_by_link),
    _get("/advisories", reading.show_advisories),
    _get("/advisories/{advisory}", reading.show_advisory),
    _get("/osv/", reading.list_osv),
    _get("/osv/all.zip", reading.give_all_osv),
    _get("/osv/{name}.json", reading.give_osv),
    _get("/csaf/{name}.json", reading.give_csaf),
    _get("/patch-by", operating.show_patch_by),
    _post("/patch-by/{exposure}/deployed", operating.mark_deployed),
    _post("/inventories", operating.give_inventory),
)
"""From a report to a deployed fix; ``/d/…`` carries a secret as links to sign in do."""

PAGES: tuple[Route, ...] = (*EVERYWHERE, *EARLY_ACCESS, *CLEARINGHOUSE)


def pages_of(parts: Collection[Part]) -> tuple[Route, ...]:
    """Return the pages of an installation that serves ``parts``; what it does not serve does not exist there."""
    offered = EARLY_ACCESS if Part.GATEWAY in parts else ()
    return EVERYWHERE + offered + (CLEARINGHOUSE if Part.SITE in parts else ())
