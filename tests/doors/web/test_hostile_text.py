"""Text written by an attacker is shown as text: nothing of it runs, hides or reorders (I10)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from leadtime.doors.visible import visible, visible_line
from leadtime.doors.web.rendering import show, templates
from tests.doors.standing import browse
from tests.flow.intake.factories import a_report, as_bytes

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
"""What a credit may hold, where control characters are refused."""

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202ednib\u202c\u0000{{ 7*7 }}\x1b[31m"


def test_a_hostile_report_is_shown_and_nothing_of_it_works(clients, finder):
    sent = a_report(title=HOSTILE, description=HOSTILE, reference=HOSTILE, credit=SCRIPT, cwe="CWE-79")
    receipt = clients(finder.token).post("/api/v1/reports", content=as_bytes(sent))
    assert receipt.status_code == 201, receipt.text
    browser = browse(clients(), finder)
    for path in ("/reports", f"/reports/{receipt.json()['id']}"):
        page = browser.get(path).text
        assert "<script" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "⟨U+202E⟩dnib⟨U+202C⟩⟨U+0000⟩{{ 7*7 }}⟨U+001B⟩[31m" in page
        assert not set(page) & set("\u202e\u202c\x00\x1b")


@given(st.text())
def test_what_is_visible_can_be_encoded_and_stays_so(text):
    once = visible(text)
    once.encode()
    assert visible(once) == once
    assert not set(visible_line(text)) & set("\n\r\t")


def test_ordinary_text_is_left_alone():
    text = "Überlauf in naïve_größe(): 字 ok\n\tsecond line"
    assert visible(text) == text
    assert visible_line(text) == "Überlauf in naïve_größe(): 字 ok  second line"


def test_unseen_characters_are_spelled_out():
    assert visible("a\u200bb\ud800\r") == "a⟨U+200B⟩b⟨U+D800⟩⟨U+000D⟩"
    assert visible("\U000e0041") == "⟨U+E0041⟩"


def test_every_template_escapes_by_itself():
    assert templates().autoescape is True
    assert show("\u202e") == "⟨U+202E⟩"
    assert show(Markup("\u202e")) == Markup("\u202e")
    assert show(7) == 7


def test_no_template_turns_escaping_off_or_brings_a_script():
    for name in templates().list_templates():
        source = templates().loader.get_source(templates(), name)[0]
        if name == "passkey.html":  # the one page that needs a script, of ours, under a policy of its own
            source = source.replace('<script src="/static/passkeys.js" defer></script>', "", 1)
        for forbidden in ("|safe", "| safe", "<script", "style=", "onclick", "javascript:", "autoescape", "http://"):
            assert forbidden not in source.replace('xmlns="http://www.w3.org/2000/svg"', ""), (name, forbidden)
