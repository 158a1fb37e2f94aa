from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from leadtime.flow.priority import rules
from leadtime.flow.priority.records import (
    Answer,
    CountedFrom,
    CveFacts,
    Exploitation,
    Impact,
    Inputs,
    KevEntry,
    Loaded,
    Reading,
    SourceKind,
    SsvcEntry,
)
from leadtime.flow.priority.rules import decide, inputs_from, lookup, missing_of, urgency
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import Malformed
from leadtime.foundation.explanation import Explanation, Fact
from tests.flow.priority.factories import inputs

PRINTED = """
1  yes yes yes total   3 days + forensic triage
2  yes yes yes partial 3 days
3  yes yes no  total   3 days + forensic triage
4  yes yes no  partial 14 days
5  yes no  yes total   3 days
6  yes no  yes partial 14 days
7  yes no  no  total   14 days
8  yes no  no  partial 60 days
9  no  yes yes total   3 days + forensic triage
10 no  yes yes partial 14 days
11 no  yes no  total   14 days
12 no  yes no  partial 14 days
13 no  no  yes total   60 days
14 no  no  yes partial 60 days
15 no  no  no  total   fix on system upgrade
16 no  no  no  partial fix on system upgrade
"""
"""The directive's table as it is printed."""

LINES = [line.split(maxsplit=5) for line in PRINTED.strip().splitlines()]
AUGUST = date(2026, 8, 1)


@pytest.mark.parametrize("printed", LINES, ids=lambda printed: printed[0])
def test_every_row_is_the_directives(printed):
    number, exposed, kev, automatable, impact, timeline = printed
    decision = decide(
        inputs(exposed=Answer(exposed), kev=Answer(kev), automatable=Answer(automatable), impact=Impact(impact))
    )
    assert decision.row == lookup(
        exposed=exposed == "yes", in_kev=kev == "yes", automatable=automatable == "yes", impact=Impact(impact)
    )
    assert (str(decision.row.number), decision.row.timeline, decision.label) == (number, timeline, timeline)
    assert decision.missing == decision.assumed == ()
    days = int(timeline.split()[0]) if timeline[0].isdigit() else None
    assert decision.row.days == days
    assert decision.due == (None if days is None else date.fromordinal(AUGUST.toordinal() + days))


def test_there_are_sixteen_rows():
    assert [row.number for row in rules.ROWS] == list(range(1, 17))


class TestMissing:
    def test_without_a_catalogue_nothing_is_dated(self):
        decision = decide(inputs(kev=Answer.UNKNOWN, kev_due=AUGUST, exposed=Answer.UNKNOWN))
        assert (decision.row, decision.due, decision.readings) == (None, None, ())
        assert decision.missing == ("whether it is in KEV (load the catalogue)",)
        assert decision.label == "undetermined: missing whether it is in KEV (load the catalogue)"
        assert decision.assumed == ()
        assert decision.overdue_on_arrival is False
        assert decision.in_kev is False

    def test_an_entry_in_kev_is_never_defaulted(self):
        decision = decide(inputs(kev=Answer.YES, automatable=Answer.UNKNOWN, impact=None, kev_added=AUGUST))
        assert decision.label == (
            "undetermined: missing whether an attack can be automated (an entry in KEV is never defaulted) and "
            "the technical impact (an entry in KEV is never defaulted)"
        )
        assert (decision.row, decision.due) == (None, None)
        assert decision.in_kev is True

    def test_what_is_missing_is_said_one_by_one(self):
        assert missing_of(inputs(kev=Answer.YES)) == ()
        assert missing_of(inputs(kev=Answer.YES, impact=None)) == (rules.MISSING_IMPACT,)
        assert missing_of(inputs(kev=Answer.YES, automatable=Answer.UNKNOWN)) == (rules.MISSING_AUTOMATABLE,)
        assert missing_of(inputs(kev=Answer.NO, automatable=Answer.UNKNOWN, impact=None)) == ()
        assert missing_of(inputs(kev=Answer.UNKNOWN, automatable=Answer.UNKNOWN, impact=None)) == (rules.MISSING_KEV,)


class TestAssumed:
    def test_not_in_kev_defaults_to_not_automatable_and_total(self):
        decision = decide(inputs(automatable=Answer.UNKNOWN, impact=None))
        assert decision.row.number == 7
        assert decision.assumed == (
            "whether an attack can be automated is not known: reckoned as no, since it is not in KEV",
            "the technical impact is not known: reckoned as total, since it is not in KEV",
        )

    @pytest.mark.parametrize(("kev", "row"), [(Answer.NO, 8), (Answer.YES, 4)])
    def test_unknown_exposure_is_reckoned_as_exposed(self, kev, row):
        decision = decide(inputs(exposed=Answer.UNKNOWN, kev=kev))
        assert decision.row.number == row
        assert decision.assumed == ("exposure is not known: reckoned as exposed to the internet",)

    def test_exploited_in_the_wild_counts_as_in_kev_with_the_other_defaults(self):
        decision = decide(inputs(automatable=Answer.UNKNOWN, impact=None, exploited_since=date(2026, 8, 10)))
        assert decision.row.number == 3
        assert decision.in_kev is False
        assert decision.assumed == (
            rules.ASSUMED_NOT_AUTOMATABLE,
            rules.ASSUMED_TOTAL,
            "exploited in the wild but not in KEV: treated as in KEV from the evidence on",
        )
        assert decision.readings == (
            Reading(CountedFrom.ENUMERATION, AUGUST, date(2026, 8, 4)),
            Reading(CountedFrom.EVIDENCE, date(2026, 8, 10), date(2026, 8, 13)),
        )
        assert decision.overdue_on_arrival is True

    def test_in_kev_evidence_changes_nothing(self):
        plain = inputs(kev=Answer.YES, kev_added=AUGUST)
        decision = decide(inputs(kev=Answer.YES, kev_added=AUGUST, exploited_since=date(2026, 1, 1)))
        assert decision.readings == decide(plain).readings
        assert decision.assumed == ()


class TestDates:
    def test_the_earlier_of_addition_and_enumeration_counts(self):
        decision = decide(inputs(kev=Answer.YES, kev_added=date(2026, 7, 30)))
        assert decision.row.number == 4
        assert decision.due == date(2026, 8, 13)
        assert decision.readings == (
            Reading(CountedFrom.KEV_ADDITION, date(2026, 7, 30), date(2026, 8, 13)),
            Reading(CountedFrom.ENUMERATION, AUGUST, date(2026, 8, 15)),
        )
        assert decision.overdue_on_arrival is False

    def test_reaching_kev_in_mid_clock_keeps_both_readings(self):
        decision = decide(inputs(kev=Answer.YES, impact=Impact.TOTAL, kev_added=date(2026, 8, 4)))
        assert [reading.counted_from for reading in decision.readings] == [
            CountedFrom.ENUMERATION,
            CountedFrom.KEV_ADDITION,
        ]
        assert decision.due == date(2026, 8, 4)
        assert decision.overdue_on_arrival is False

    def test_a_reading_already_past_is_overdue_on_arrival(self):
        decision = decide(inputs(kev=Answer.YES, impact=Impact.TOTAL, kev_added=date(2026, 8, 5)))
        assert decision.due == date(2026, 8, 4)
        assert decision.overdue_on_arrival is True

    def test_an_addition_date_counts_only_in_kev(self):
        assert decide(inputs(kev_added=date(2026, 1, 1))).readings == (
            Reading(CountedFrom.ENUMERATION, AUGUST, date(2026, 9, 30)),
        )

    def test_no_date_known_leaves_the_row_without_one(self):
        decision = decide(inputs(enumerated=None))
        assert (decision.row.number, decision.due, decision.overdue_on_arrival) == (8, None, False)

    def test_on_upgrade_has_no_date(self):
        decision = decide(inputs(exposed=Answer.NO))
        assert (decision.row.number, decision.due, decision.readings) == (16, None, ())

    def test_kevs_own_date_and_flag_stand_beside(self):
        decision = decide(inputs(kev_due=date(2020, 1, 1), kev_forensic=True))
        assert (decision.due, decision.kev_due, decision.kev_forensic) == (date(2026, 9, 30), date(2020, 1, 1), True)


def test_for_others_than_agencies_the_date_is_informative():
    assert decide(inputs(binding=False)).informative is True
    assert decide(inputs(binding=True)).informative is False


def test_the_default_is_not_binding_and_without_dates():
    plain = Inputs(Answer.NO, Answer.NO, Answer.NO, Impact.TOTAL)
    decision = decide(plain)
    assert (plain.facts, decision.informative, decision.due, decision.kev_due) == ((), True, None, None)


class TestDatesThatAreNone:
    @pytest.mark.parametrize(
        ("field", "name"),
        [
            ("kev_added", "added to KEV"),
            ("kev_due", "KEV's own due date"),
            ("exploited_since", "exploited since"),
            ("enumerated", "enumerated"),
        ],
    )
    def test_a_date_outside_two_centuries_is_refused_by_name(self, field, name):
        for outside in (date(1989, 12, 31), date(2201, 1, 1)):
            with pytest.raises(Malformed) as caught:
                decide(inputs(**{field: outside}))
            sentence = f"{name}: a date between 1990 and 2200 is expected"
            assert str(caught.value) == f"{sentence}. Correct the date."
        for inside in (date(1990, 1, 1), date(2200, 12, 31)):
            assert decide(inputs(**{field: inside})).row.number in {4, 8}


class TestWhy:
    def test_names_row_date_answers_sources_and_assumptions(self):
        told = Fact("CVE-2026-1", "not listed", "CISA KEV catalogue", datetime(2026, 7, 31, tzinfo=UTC))
        decision = decide(inputs(exposed=Answer.UNKNOWN, impact=None, binding=False, facts=(told,)))
        assert decision.why == Explanation(
            decision="14 days, by 2026-08-15",
            rule="CISA BOD 26-04 (10 June 2026), row 7",
            facts=(
                Fact("exposed", "unknown", "inputs"),
                Fact("in KEV", "no", "inputs"),
                Fact("automatable", "no", "inputs"),
                Fact("technical impact", "unknown", "inputs"),
                Fact("enumerated", "2026-08-01", "inputs"),
                told,
                Fact("assumed", rules.ASSUMED_EXPOSED, rules.DIRECTIVE),
                Fact("assumed", rules.ASSUMED_TOTAL, rules.DIRECTIVE),
                Fact("label", "informative: the directive binds federal civilian agencies only", rules.DIRECTIVE),
            ),
        )

    def test_names_every_date_that_came_in(self):
        why = decide(
            inputs(
                kev=Answer.YES,
                kev_added=date(2026, 7, 1),
                kev_due=date(2026, 7, 20),
                exploited_since=date(2026, 6, 1),
            )
        ).why
        assert why.facts == (
            Fact("exposed", "yes", "inputs"),
            Fact("in KEV", "yes", "inputs"),
            Fact("automatable", "no", "inputs"),
            Fact("technical impact", "partial", "inputs"),
            Fact("added to KEV", "2026-07-01", "inputs"),
            Fact("KEV's own due date", "2026-07-20", "inputs"),
            Fact("exploited since", "2026-06-01", "inputs"),
            Fact("enumerated", "2026-08-01", "inputs"),
        )

    def test_says_what_is_missing(self):
        why = decide(inputs(kev=Answer.YES, impact=None, automatable=Answer.UNKNOWN)).why
        assert why.decision == f"undetermined: missing {rules.MISSING_AUTOMATABLE} and {rules.MISSING_IMPACT}"
        assert why.rule == "CISA BOD 26-04 (10 June 2026)"

    def test_without_a_date_says_the_timeline_alone(self):
        assert decide(inputs(exposed=Answer.NO)).why.decision == "fix on system upgrade"


class TestUrgency:
    def test_undetermined_heads_the_list_kev_first_then_dates_then_rows(self):
        in_kev = decide(inputs(kev=Answer.YES, impact=None))
        no_catalogue = decide(inputs(kev=Answer.UNKNOWN))
        soon = decide(inputs(enumerated=date(2026, 7, 1)))
        same_day_lower_row = decide(inputs(automatable=Answer.YES, enumerated=date(2026, 8, 16)))
        later = decide(inputs())
        on_upgrade = decide(inputs(exposed=Answer.NO))
        shuffled = [on_upgrade, later, no_catalogue, same_day_lower_row, in_kev, soon]
        ordered = [in_kev, no_catalogue, same_day_lower_row, soon, later, on_upgrade]
        assert sorted(shuffled, key=urgency) == ordered

    def test_keys_are_exact(self):
        assert urgency(decide(inputs(kev=Answer.YES, impact=None))) == (0, date.min, 0)
        assert urgency(decide(inputs(kev=Answer.UNKNOWN))) == (1, date.min, 0)
        assert urgency(decide(inputs())) == (2, date(2026, 9, 30), 8)
        assert urgency(decide(inputs(exposed=Answer.NO))) == (2, date.max, 16)


class TestInputsFromSources:
    KEV = Loaded(
        SourceKind.KEV, digest_of(b"k"), datetime(2026, 7, 31, tzinfo=UTC), 1, datetime(2026, 8, 1, tzinfo=UTC)
    )
    SSVC = Loaded(
        SourceKind.VULNRICHMENT, digest_of(b"s"), datetime(2026, 7, 30, tzinfo=UTC), 1, datetime(2026, 8, 1, tzinfo=UTC)
    )
    ENTRY = KevEntry(
        "CVE-2026-1", date(2026, 7, 1), date(2026, 7, 22), forensic=True, ransomware=False, required_action=""
    )
    ANSWERS = SsvcEntry(
        "CVE-2026-1", Exploitation.ACTIVE, Answer.YES, Impact.TOTAL, datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    )

    def test_nothing_loaded_knows_nothing(self):
        facts = CveFacts("CVE-2026-1", None, None, None, None)
        assert inputs_from(facts, exposed=Answer.NO, enumerated=None) == Inputs(
            exposed=Answer.NO,
            kev=Answer.UNKNOWN,
            automatable=Answer.UNKNOWN,
            impact=None,
            facts=(
                Fact("CVE-2026-1", "not loaded", "CISA KEV catalogue"),
                Fact("CVE-2026-1", "not loaded", "CISA Vulnrichment (SSVC)"),
            ),
        )

    def test_loaded_and_not_listed_is_a_no(self):
        facts = CveFacts(None, self.KEV, None, self.SSVC, None)
        assert inputs_from(facts, exposed=Answer.YES, enumerated=AUGUST, binding=True) == Inputs(
            exposed=Answer.YES,
            kev=Answer.NO,
            automatable=Answer.UNKNOWN,
            impact=None,
            enumerated=AUGUST,
            binding=True,
            facts=(
                Fact("no CVE", "not listed", "CISA KEV catalogue", self.KEV.as_of),
                Fact("no CVE", "not assessed", "CISA Vulnrichment (SSVC)", self.SSVC.as_of),
            ),
        )

    def test_everything_listed_is_taken_over(self):
        facts = CveFacts("CVE-2026-1", self.KEV, self.ENTRY, self.SSVC, self.ANSWERS)
        assert inputs_from(facts, exposed=Answer.YES, enumerated=AUGUST) == Inputs(
            exposed=Answer.YES,
            kev=Answer.YES,
            automatable=Answer.YES,
            impact=Impact.TOTAL,
            kev_added=date(2026, 7, 1),
            kev_due=date(2026, 7, 22),
            kev_forensic=True,
            exploited_since=date(2026, 6, 30),
            enumerated=AUGUST,
            facts=(
                Fact("CVE-2026-1", "listed", "CISA KEV catalogue", self.KEV.as_of),
                Fact("CVE-2026-1", "assessed", "CISA Vulnrichment (SSVC)", self.SSVC.as_of),
            ),
        )

    @pytest.mark.parametrize("exploitation", [Exploitation.NONE, Exploitation.POC, None])
    def test_only_active_exploitation_is_evidence(self, exploitation):
        answers = SsvcEntry("CVE-2026-1", exploitation, Answer.NO, None, self.ANSWERS.as_of)
        found = inputs_from(
            CveFacts("CVE-2026-1", self.KEV, None, self.SSVC, answers), exposed=Answer.NO, enumerated=None
        )
        assert found.exploited_since is None


def test_the_forensic_runbook_is_the_directives():
    assert rules.FORENSIC_STEPS == (
        (2, "establish the scope"),
        (24, "secure volatile evidence, before patching"),
        (72, "decide whether the asset was compromised"),
    )
