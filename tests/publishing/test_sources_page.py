"""The report's page of sources, and what the page of cohorts says where the orders are missing or may not be all."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from publishing.report.pages import write_pages
from publishing.report.render import Printer
from tests.publishing.small_release import Source, build_release, text_of

NO_LINES = "select null, null, null, null, null, null, null, null where false"
ONE_LINE = "select 'a', 'o1', timestamp '2024-06-02', null, 'EUR', 12.5, 'sale', null"

STRIPE = Source("stripe", "Stripe", "invoices", "billing", daily=30, orphans=4)
NOT_CONNECTED = [
    Source("shopify", "Shopify", "orders", "commerce", None, "not connected"),
    Source("files", "Files", "order_lines", "commerce", None, "not connected"),
    Source("klaviyo", "Klaviyo", "events", "messaging", None, "not connected"),
]
EVERY_FAULT = [
    STRIPE,
    Source("stripe", "Stripe", "charges", "billing", status="stale", daily=25, behind=12),
    Source("zendesk", "Zendesk", "tickets", "support", "api", "refused", daily=40, reason="It lacks <status>."),
    Source("zendesk", "Zendesk", "users", "support", "api", daily=2, quarantined=3, superseded=5, deleted=4),
    Source("segment", "Segment", "events", "product", daily=100, missing="2024-06-03", schema_change="added plan"),
    Source("delighted", "Delighted", "survey_responses", "feedback", status="late", daily=1, behind=9, target=7),
    Source("files", "Files", "interventions", "interventions", "files", daily=1),
    Source("hubspot", "HubSpot", "companies", "crm", status="empty"),
    *NOT_CONNECTED,
]


class NoPrinter(Printer):
    """Leaves the PDF out."""

    def __init__(self) -> None:
        pass

    def print(self, html: str, path: Path) -> None:
        pass


def write(
    folder: Path, sources: list[Source], lines: str = ONE_LINE, strays: Sequence[tuple[str, str]] = ()
) -> dict[str, str]:
    """Page → HTML of a release with these sources, and exports that belong to no table."""
    release = build_release(folder / "release", lines, sources=sources, strays=strays)
    write_pages(release, NoPrinter())
    return {path.stem: path.read_text(encoding="utf-8") for path in (release / "report").glob("*.html")}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("faults"), EVERY_FAULT)["sources"]


def lead(html: str) -> str:
    return text_of(html.split('aria-label="In short"')[1].split("</section>")[0])


def row(html: str, table: str, first: str) -> str:
    """What a line of a table says, told by its first cell."""
    found = re.search(rf'<div class="table table-{table}">.*?</div>', html, re.DOTALL)
    assert found
    lines = [text_of(line).strip() for line in re.findall(r"<tr.*?</tr>", found[0], re.DOTALL)]
    return next(line for line in lines if line.startswith(first))


def test_lead_says_what_is_connected_what_is_wrong_and_which_roles_lack_a_source(page: str) -> None:
    text = lead(page)

    assert "6 of 8 sources are connected, all but Klaviyo and Shopify; the newest record is of 20 June 2024." in text
    assert (
        "Nothing has come for CRM, messaging, commerce, loyalty and success milestones, so no figure rests on it."
        in text
    )
    assert "The last delivery of Zendesk tickets was refused" in text
    assert "Stripe charges (newest record 8 June 2024) may have stopped" in text
    assert "late: Delighted survey responses (newest record 11 June 2024)" in text
    assert "no rows came for Segment events on 3 June 2024." in text
    assert "Of the 13,529 rows received, 3 (&lt; 0.1%) broke a rule and are in quarantine" in text


def test_each_fault_is_listed_with_its_reason_worst_first(page: str) -> None:
    findings = [text_of(item).strip() for item in re.findall(r"<li><b.*?</li>", page)]

    assert findings == [
        "Refused Zendesk tickets It lacks &lt;status&gt;. What had come before stays.",
        "Stale Stripe charges Its newest record is of 8 June 2024, 12 days before the as-of date: "
        "it may have stopped (limit 7 days).",
        "Late Delighted survey responses Its newest record is of 11 June 2024, 9 days before the as-of date "
        "(target 7 days).",
        "Missing Segment events No rows on 3 June 2024.",
        "Changed Segment events Columns of its exports: added plan.",
    ]


def test_exports_that_belong_to_no_table_are_told(tmp_path: Path) -> None:
    strays = [("Stripe", "old is a folder with files in it."), ("HubSpot", "kunden.csv is named for no table.")]
    html = write(tmp_path, [STRIPE], strays=strays)["sources"]

    assert "HubSpot and Stripe have exports that belong to no table." in lead(html)
    assert [text_of(item).strip() for item in re.findall(r"<li><b.*?</li>", html)] == [
        "No table HubSpot kunden.csv is named for no table.",
        "No table Stripe old is a folder with files in it.",
    ]


def test_a_role_has_its_worst_status_and_says_what_could_fill_it(page: str) -> None:
    assert row(page, "roles", "Billing") == "Billing Stripe 2 3,550 20 Jun 2024 stale"
    assert row(page, "roles", "Support") == "Support Zendesk 2 2,940 20 Jun 2024 refused"
    assert row(page, "roles", "CRM") == "CRM HubSpot 1 0 — empty"
    assert row(page, "roles", "Commerce") == "Commerce none; possible: Files and Shopify 0 0 — not connected"


def test_a_table_shows_its_account_its_lag_and_its_coverage(page: str) -> None:
    # 27 of the 28 days before the as-of date; 17 of them where the last twelve days are lacking.
    assert row(page, "sources", "events") == "events 6,900 0 0 0 20 Jun 2024 0 / 2 96% 1 ok"
    assert row(page, "sources", "charges") == "charges 1,450 0 0 0 8 Jun 2024 12 / 2 61% 0 stale"
    assert row(page, "sources", "users") == "users 136 4 3 0 20 Jun 2024 0 / 2 — 0 ok"
    assert row(page, "account", "users") == "users 148 140 3 5 0"


def test_received_is_loaded_quarantined_and_superseded_in_total(page: str) -> None:
    found = re.search(r"([\d,]+) received = ([\d,]+) loaded \+ ([\d,]+) quarantined \+ ([\d,]+) superseded", page)
    assert found
    received, *parts = (int(number.replace(",", "")) for number in found.groups())

    assert received == sum(parts) == 13_529
    assert row(page, "account", "all tables") == "all tables 13,529 13,521 3 5 0"
    assert row(page, "sources", "all tables").startswith("all tables 13,517 4 3 4 20 Jun 2024")


@pytest.mark.parametrize(
    ("mended", "said"),
    [
        (2, "9 (0.4%) broke a rule; 2 of them have been mended since, 7 are in quarantine, in no figure."),
        (8, "9 (0.4%) broke a rule; 8 of them have been mended since, 1 is in quarantine, in no figure."),
        (9, "9 (0.4%) broke a rule; all of them have been mended since."),
    ],
)
def test_what_is_mended_is_no_longer_in_quarantine(tmp_path: Path, mended: int, said: str) -> None:
    html = write(tmp_path, [Source("stripe", "Stripe", "invoices", "billing", daily=30, quarantined=9, mended=mended)])

    assert said in lead(html["sources"])
    # The account of what was received stays.
    assert row(html["sources"], "account", "invoices") == "invoices 2,109 2,100 9 0 0"
    assert row(html["sources"], "sources", "invoices").startswith(f"invoices 2,100 0 {9 - mended} ")


def test_what_the_last_run_loaded_is_told_by_source(page: str) -> None:
    assert "20 June 2024, 05:00 UTC" in page
    assert row(page, "deliveries", "Zendesk") == "Zendesk 2 2,948 2,940 3 5 0 4"


def test_chart_marks_the_missing_day_and_the_days_to_come_of_tables_with_enough_rows(page: str) -> None:
    chart = re.search(r'<div class="chart wide".*?</div>', page, re.DOTALL)
    assert chart

    assert "No rows: Segment events on 3 June 2024." in chart[0]
    assert len(re.findall(r'<path [^>]*fill="#1b2733"', chart[0])) == 1
    # The as-of date may not be over, so eleven of the twelve days without a record are drawn.
    assert len(re.findall(r'<path [^>]*fill="#ffffff"', chart[0])) == 11
    assert re.findall(r">(\w+ \w+)</text>", chart[0])[-4:] == [
        "Segment events",
        "Stripe charges",
        "Stripe invoices",
        "Zendesk tickets",
    ]


def test_where_all_is_well_the_page_says_so_in_one_sentence(tmp_path: Path) -> None:
    html = write(tmp_path, [STRIPE])["sources"]

    assert "Everything that is connected came in time, and no day is missing." in lead(html)
    assert "None of the 2,100 rows received broke a rule." in lead(html)
    assert "What needs a look" not in html


def test_versions_of_known_records_hide_no_collapse(tmp_path: Path) -> None:
    orders = Source("shopify", "Shopify", "orders", "commerce", daily=100, lately=30, changed=200)
    html = write(tmp_path, [orders, STRIPE])["sources"]

    assert "Few new records came of Shopify orders." in lead(html)
    assert "210 new records in the last seven days, where 700 are expected" in text_of(html)
    # 21 whole days of 28, and 7 with 30%.
    assert row(html, "sources", "orders").startswith("orders 6,440 0 0 0 20 Jun 2024 0 / 2 82%")
    assert row(html, "account", "orders") == "orders 20,440 20,440 0 0 0"


def test_a_table_with_few_rows_is_not_judged_by_the_day(tmp_path: Path) -> None:
    html = write(tmp_path, [Source("stripe", "Stripe", "invoices", "billing", daily=3)])["sources"]

    assert "too few to judge a day by itself" in html
    assert '<div class="chart' not in html


def test_many_faults_are_counted_rather_than_all_named(tmp_path: Path) -> None:
    systems = ["Zendesk", "Segment", "Delighted", "HubSpot", "Klaviyo"]
    late = [
        Source(system.lower(), system, table, "crm", status="late", daily=1, behind=5)
        for system in systems
        for table in ("one", "two")
    ]
    text = lead(write(tmp_path, late)["sources"])

    assert "2 tables of Delighted (newest record 15 June 2024)" in text
    assert "and 2 more systems" in text


def test_pages_link_to_each_other(tmp_path: Path) -> None:
    pages = write(tmp_path, [STRIPE])

    for name, html in pages.items():
        links = re.findall(r'<a href="([^"]+)"( aria-current="page")?>', html)
        assert [target for target, _ in links] == ["revenue.html", "cohorts.html", "sources.html", "identity.html"]
        assert [target for target, current in links if current] == [f"{name}.html"]
        assert "nav { display: none; }" in html.split("@media print {")[1]


def test_sources_page_needs_nothing_from_outside(page: str) -> None:
    assert set(re.findall(r"""https?:[^\s"')]*""", page)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|<link|<img|@import|url\((?!#)", page)


def test_without_commerce_the_cohorts_page_says_what_is_missing(tmp_path: Path) -> None:
    pages = write(tmp_path, [STRIPE, *NOT_CONNECTED], NO_LINES)
    text = text_of(pages["cohorts"])

    assert (
        "This release holds no orders: nothing is connected for commerce (possible: Files and Shopify). "
        "The page Sources says what is connected, and how it stands." in text
    )
    assert "What the gate found" in text
    assert "All lines received" not in text
    assert "Definitions" not in text
    assert "1 of 4 sources is connected: Stripe;" in lead(pages["sources"])


def test_with_commerce_but_without_orders_the_cohorts_page_says_what_came(tmp_path: Path) -> None:
    orders = Source("shopify", "Shopify", "orders", "commerce", quarantined=7)
    text = text_of(write(tmp_path, [orders], NO_LINES)["cohorts"])

    assert "none of the 7 rows from Shopify is one, 7 of them broke a rule" in text


def test_cohorts_page_warns_where_the_orders_may_not_be_all(tmp_path: Path) -> None:
    orders = Source("shopify", "Shopify", "orders", "commerce", status="refused", daily=9, behind=6, reason="No id.")
    text = lead(write(tmp_path, [orders, STRIPE])["cohorts"])

    assert "The newest order is 6 days older than the as-of date: later ones may be missing." in text
    assert "The last delivery of Shopify orders was refused: the page Sources says why." in text
