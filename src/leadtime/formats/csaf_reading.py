"""CSAF 2.0 and 2.1 documents (OASIS), read for what they say of each vulnerability; `csaf` writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from leadtime.formats.limits import (
    COMPONENT_TEXT_CHARS_MAX,
    DOCUMENT,
    PRODUCTS_MAX,
    RESULTS_MAX,
    TOLD_CHARS_MAX,
    TOLD_ITEMS_MAX,
)
from leadtime.formats.members import JsonObject, list_or_none, object_in, object_or_none, text_or_none
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, read_json

AFFECTED = ("known_affected", "first_affected", "last_affected", "under_investigation")
"""Groups of a product status that a finder's report is about (section 3.2.3.9), the surest first."""

_PARTS = {
    "vendor": "vendor",
    "product_name": "product",
    "product_version": "version",
    "product_version_range": "version",
}


@dataclass(frozen=True, slots=True)
class Product:
    """One product: its full name, and vendor, product, version and purl where tree or helper tell them, else empty."""

    name: str
    vendor: str
    product: str
    version: str
    purl: str


@dataclass(frozen=True, slots=True)
class ToldVulnerability:
    """One vulnerability of a document, which ``document`` (its tracking id) and ``ids`` name.

    ``products`` are those affected, in the document's order; ``original`` is the vulnerability and those products.
    """

    where: str
    document: str
    ids: tuple[str, ...]
    title: str
    text: str
    weaknesses: tuple[str, ...]
    scores: tuple[str, ...]
    credits: tuple[str, ...]
    products: tuple[Product, ...]
    original: bytes


def read_csaf(raw: bytes) -> tuple[ToldVulnerability | Malformed, ...]:
    """Return each vulnerability of a document in its order, or what is wrong with it; none for one that lists none.

    Raises `Malformed` for what is no CSAF document, or holds more than `RESULTS_MAX` vulnerabilities or
    `PRODUCTS_MAX` branches. It need not be valid (`validity` judges that): parts of the wrong type count as left out.
    """
    document = object_in(read_json(raw.removeprefix(b"\xef\xbb\xbf"), DOCUMENT), "$")
    head = object_in(document.get("document"), "$.document")
    found = list_or_none(document.get("vulnerabilities"), items_max=RESULTS_MAX + 1)
    if len(found) > RESULTS_MAX:
        what = f"a document has at most {RESULTS_MAX} vulnerabilities"
        raise Malformed(what, where="$.vulnerabilities", next_step="Split it.")
    products = dict(_products(object_or_none(document.get("product_tree"))))
    return tuple(_told(each, f"$.vulnerabilities[{n}]", head, products) for n, each in enumerate(found))


def _told(value: Json, where: str, head: JsonObject, products: Mapping[str, Product]) -> ToldVulnerability | Malformed:
    if not isinstance(value, dict):
        return Malformed("an object is expected", where=where, next_step="Write it in braces.")
    status = object_or_none(value.get("product_status"))
    named = [_text(each) for group in AFFECTED for each in list_or_none(status.get(group), items_max=PRODUCTS_MAX)]
    affected = {each: products[each] for each in dict.fromkeys(named) if each in products}
    notes = [*_objects(value.get("notes"))] or [*_objects(head.get("notes"))]
    thanked = [*_objects(value.get("acknowledgments")), *_objects(head.get("acknowledgments"))]
    title, document = _text(value.get("title")) or _text(head.get("title")), _document_id(head)
    return ToldVulnerability(
        where=where,
        document=document,
        ids=_ids(value),
        title=title,
        text=_joined([text_or_none(each.get("text"), chars_max=TOLD_CHARS_MAX) for each in notes]),
        weaknesses=_weaknesses(value),
        scores=tuple(dict.fromkeys(_scores(value))),
        credits=tuple(dict.fromkeys(_credits(thanked))),
        products=tuple(affected.values()),
        original=canonical_json(
            {"document": document, "title": title, "products": named[:TOLD_ITEMS_MAX], "is": value}
        ),
    )


def _document_id(head: JsonObject) -> str:
    return _text(object_or_none(head.get("tracking")).get("id"))


def _ids(value: JsonObject) -> tuple[str, ...]:
    texts = [_text(value.get("cve")), *(_text(each.get("text")) for each in _objects(value.get("ids")))]
    return tuple(dict.fromkeys(each for each in texts if each))


def _weaknesses(value: JsonObject) -> tuple[str, ...]:
    """Return the weaknesses of either version: 2.0 has one ``cwe``, 2.1 a list of ``cwes``."""
    texts = [_text(object_or_none(value.get("cwe")).get("id"))]
    texts += [_text(each.get("id")) for each in _objects(value.get("cwes"))]
    return tuple(each for each in texts if each)


def _scores(value: JsonObject) -> Iterator[str]:
    """Give each vector of either version: 2.0 has ``scores``, 2.1 ``metrics`` with their ``content``."""
    holders = [*_objects(value.get("scores"))]
    holders += [object_or_none(each.get("content")) for each in _objects(value.get("metrics"))]
    for holder in holders:
        for name in ("cvss_v4", "cvss_v3", "cvss_v2"):
            if vector := _text(object_or_none(holder.get(name)).get("vectorString")):
                yield vector


def _credits(thanked: list[JsonObject]) -> Iterator[str]:
    for each in thanked:
        names = [_text(name) for name in list_or_none(each.get("names"), items_max=TOLD_ITEMS_MAX)]
        yield from (name for name in (*names, _text(each.get("organization"))) if name)


def _products(tree: JsonObject) -> Iterator[tuple[str, Product]]:
    """Give every product by its id: of the branches (walked without recursion), of the list, of relationships."""
    for each in _objects(tree.get("full_product_names"), PRODUCTS_MAX):
        yield _product(each, {})
    for each in _objects(tree.get("relationships"), PRODUCTS_MAX):
        yield _product(object_or_none(each.get("full_product_name")), {})
    waiting: list[tuple[JsonObject, dict[str, str]]] = [
        (each, {}) for each in _objects(tree.get("branches"), PRODUCTS_MAX)
    ]
    for number, (branch, above) in enumerate(waiting):
        if number >= PRODUCTS_MAX:
            what = f"a product tree has at most {PRODUCTS_MAX} branches"
            raise Malformed(what, where="$.product_tree", next_step="Split it.")
        part = _PARTS.get(_text(branch.get("category")))
        parts = {**above, part: _text(branch.get("name"))} if part else above
        if branch.get("product") is not None:
            yield _product(object_or_none(branch.get("product")), parts)
        waiting.extend((each, parts) for each in _objects(branch.get("branches"), PRODUCTS_MAX))


def _product(value: JsonObject, parts: Mapping[str, str]) -> tuple[str, Product]:
    helper = object_or_none(value.get("product_identification_helper"))
    purls = [helper.get("purl"), *list_or_none(helper.get("purls"), items_max=1)]
    return _text(value.get("product_id")), Product(
        name=_text(value.get("name")),
        vendor=parts.get("vendor", ""),
        product=parts.get("product", ""),
        version=parts.get("version", ""),
        purl=next((_text(each) for each in purls if _text(each)), ""),
    )


def _objects(value: Json, items_max: int = TOLD_ITEMS_MAX) -> Iterator[JsonObject]:
    return (object_or_none(each) for each in list_or_none(value, items_max=items_max))


def _text(value: Json) -> str:
    return text_or_none(value, chars_max=COMPONENT_TEXT_CHARS_MAX).strip()


def _joined(texts: list[str]) -> str:
    return "\n\n".join(each for each in texts if each.strip())[:TOLD_CHARS_MAX]
