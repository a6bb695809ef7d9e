"""The report's page of identity, written from small releases."""

import re
from pathlib import Path

import duckdb
import pytest

from publishing.report.pages import write_pages
from publishing.report.words import TO
from tests.publishing.small_release import Source, build_release, text_of
from tests.publishing.test_sources_page import NO_LINES, NoPrinter, lead, row

SOURCES = [
    Source("hubspot", "HubSpot", "companies", "crm", daily=1),
    Source("shopify", "Shopify", "customers", "commerce", daily=1),
    Source("stripe", "Stripe", "customers", "billing", daily=1),
]
CANARY = "zebulon.canary@example.org"

# Two records of each of 30 people in HubSpot, one of 20 of them in Shopify; one company in HubSpot and twice in Stripe,
# two companies in Stripe alone, and a consumer in Shopify. A source's ids are addresses.
RECORDS = f"""
    insert into marts.map_source_records
    select 'person', 'hubspot', 'person', x || '-' || y || '{CANARY}', 'per_' || x, '2024-06-01', null, true
    from range(30) as a(x), range(2) as b(y)
    union all
    select 'person', 'shopify', 'customer', x || '{CANARY}', 'per_' || x, '2024-06-01', null, true
    from range(20) as a(x)
    union all
    select 'person', 'shopify', 'customer', 'moved{CANARY}', 'per_99', '2024-05-01', '2024-06-01', false
    union all values
        ('customer', 'hubspot', 'customer', 'h1{CANARY}', 'cus_1', '2024-06-01'::date, null::date, true),
        ('customer', 'stripe', 'customer', 's1{CANARY}', 'cus_1', '2024-06-01', null, true),
        ('customer', 'stripe', 'customer', 's2{CANARY}', 'cus_1', '2024-06-01', null, true),
        ('customer', 'stripe', 'customer', 's3{CANARY}', 'cus_2', '2024-06-01', null, true),
        ('customer', 'stripe', 'customer', 's4{CANARY}', 'cus_3', '2024-06-01', null, true),
        ('customer', 'shopify', 'customer', '1{CANARY}', 'cus_4', '2024-06-01', null, true);
    delete from marts.dim_customers;
    insert into marts.dim_customers by name
    select
        'cus_' || x as customer_id, if(x = 4, 'consumer', 'company') as customer_kind, '{CANARY}' as customer_name,
        '{CANARY}' as segment, if(x = 3, 'former', 'active') as status, if(x = 1, 'hubspot', null) as sponsor_source,
        if(x < 3, 'hubspot', null) as primary_contact_source
    from range(1, 5) as t(x);
"""
SPONSORS = """
    insert into marts.map_customer_people by name
    select 'cus_' || c as customer_id, p as person_id, 'executive_sponsor' as role, is_current
    from (values (1, 'per_1', false), (1, 'per_2', true), (2, 'per_3', false), (3, 'per_4', false))
        as t(c, p, is_current);
"""
QUALITY = """
    insert into marts.rpt_identity_quality values
        ('person', 'id_stability', 'all', 0.99, 79, 80, 0.93, 0.998),
        ('customer', 'id_stability', 'all', 1, 6, 6, 0.6, 1),
        ('person', 'changed_without_event', 'all', 0, null, null, null, null),
        ('person', 'refused_edges', 'review', 7, null, null, null, null),
        ('customer', 'refused_edges', 'two_cores', 1234, null, null, null, null),
        ('person', 'generic_value_records', 'on many records', 55, null, null, null, null),
        ('person', 'generic_value_records', 'role mailbox', 3, null, null, null, null),
        ('customer', 'source_conflict_rate', 'status', 0.5, 2, 4, 0.15, 0.85),
        ('customer', 'source_conflict_rate', 'plan', 0.25, 1, 4, 0.05, 0.7),
        ('customer', 'source_conflict_rate', 'country', 0, 0, 4, 0, 0.49),
        ('person', 'source_conflict_rate', 'email', 0.5, 1, 2, 0.1, 0.9),
        ('person', 'source_conflict_rate', 'country', 0.5, 1, 2, 0.1, 0.9);
"""
LABELS = """
    insert into marts.rpt_identity_quality values
        ('person', 'labelled_record_count', 'all', 80, null, null, null, null),
        ('person', 'pair_precision', 'all', 0.99997, 29999, 30000, 0.9999, 1),
        ('person', 'pair_recall', 'all', 0.9712, 9712, 10000, 0.968, 0.9744),
        ('person', 'blocking_recall', 'all', 0.99, 9900, 10000, 0.985, 0.994),
        ('person', 'group_pair_recall', 'two_typos', 0.8, 80, 100, 0.7, 0.87),
        ('person', 'group_pair_recall', 'none', 1, 100, 100, 0.96, 1),
        ('customer', 'pair_precision', 'all', 0.5, 1, 2, 0.1, 0.9),
        ('customer', 'pair_precision', 'company', 1, 3, 3, 1, 1),
        ('customer', 'pair_recall', 'company', 0.75, 3, 4, 0.3, 0.95);
"""
CHANGES = f"""
    insert into marts.fct_identity_events values
        (1, 'person', 'per_1', 'created', null, 2, 'data', '2024-06-01'),
        (2, 'person', 'per_2', 'extended', null, 3, 'data', '2024-06-20'),
        (3, 'person', 'per_3', 'extended', null, 4, 'data', '2024-06-20'),
        (4, 'customer', 'cus_9', 'merged', 'cus_1', 1, 'override', '2024-06-20');
    insert into marts.rpt_demoted_identifiers values
        ('person', 'email', '{CANARY}', 'on many records', 40, false),
        ('person', 'phone', '+{CANARY}', 'on many records', 20, true),
        ('person', 'phone', '-{CANARY}', 'on many records', 20, true),
        ('person', 'email', 'info@{CANARY}', 'role mailbox', 3, false);
"""
CONFLICTS = f"""
    insert into marts.rpt_source_conflicts by name
    select * from (values
        ('cus_1', 'status', 'former', 'stripe', 'active', 'hubspot', 'authority', true, 250.00, 'EUR', 'month'),
        ('cus_2', 'status', 'active', 'stripe', 'former', 'hubspot', 'authority', true, 1500.00, 'EUR', 'month'),
        ('cus_3', 'status', 'active', 'stripe', 'former', 'hubspot', 'authority', true, 9000, 'USD', 'contract'),
        ('cus_1', 'plan', '{CANARY}', 'stripe', 'b{CANARY}', 'hubspot', 'recency', false, null, null, null)
    ) as t(
        customer_id, field, winning_value, winning_source, losing_value, losing_source, rule, is_status_conflict,
        value_at_stake_amount, currency, value_at_stake_basis
    );
    update marts.rpt_source_conflicts set entity = 'customer';
    insert into marts.rpt_source_conflicts by name
    select * from (values
        ('person', 'per_1', 'email', '{CANARY}', 'stripe', 'b{CANARY}', 'hubspot', 'majority', false),
        ('person', 'per_1', 'email', '{CANARY}', 'stripe', 'c{CANARY}', 'zendesk', 'validity', false),
        ('person', 'per_2', 'country', '{CANARY}', 'stripe', 'c{CANARY}', 'zendesk', 'recency', false)
    ) as t(
        entity, person_id, field, winning_value, winning_source, losing_value, losing_source, rule, is_status_conflict
    );
    update marts.rpt_source_conflicts set
        winning_source_record_id = '{CANARY}', losing_source_record_id = '{CANARY}', losing_record_count = 1;
"""
QUEUE = f"""
    insert into marts.rpt_identity_review_queue
    select
        'customer', x + 1, 'cus_l' || x, 'cus_r' || x, '{CANARY}', '{CANARY}', 'linkage model', 0.9, 3.2, 'review',
        if(x < 2, 100 - x, null), if(x < 2, 'EUR', null), if(x < 2, 'month', null), ',company,{CANARY},,,,'
    from range(12) as t(x);
    insert into marts.rpt_identity_review_queue values (
        'person', 1, 'per_1', 'per_2', '{CANARY}', '{CANARY}', 'person phone', 0.9999, null, 'two_cores', null, null,
        null, ',person,{CANARY},,,,'
    );
"""
# Three pairs of people: two links speak for the first, a reviewer has told the third apart.
EDGES = f"""
    insert into marts.fct_identity_edges by name
    select
        'person' as entity, 'hubspot/person/' || l || '-0{CANARY}' as record_id_l,
        'hubspot/person/' || r || '-' || y || '{CANARY}' as record_id_r, reason is null as is_kept, reason
    from (values
        (1, 2, 0, 'two_cores'), (1, 2, 1, 'review'), (1, 3, 0, 'review'), (1, 4, 0, 'cannot_link'), (1, 1, 1, null)
    ) as t(l, r, y, reason);
"""
EVERYTHING = RECORDS + SPONSORS + QUALITY + LABELS + CHANGES + CONFLICTS + QUEUE + EDGES


def write(folder: Path, marts_sql: str = "", sources: list[Source] | None = None) -> str:
    release = build_release(folder / "release", NO_LINES, sources=sources or SOURCES, marts_sql=marts_sql)
    write_pages(release, NoPrinter())
    return (release / "report" / "identity.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("everything"), EVERYTHING)


def test_lead_says_how_many_are_how_many_how_sure_and_what_waits(page: str) -> None:
    text = lead(page)

    assert (
        "80 records of people in 2 sources are 30 people; 5 records of companies in 2 sources are 3 companies; "
        "1 record of consumers in 1 source is 1 consumer." in text
    )
    assert "of the pairs of records put together &gt; 99.99% (people) and 100.00% (companies) are right" in text
    assert "97.12% (people) and 75.00% (companies) were found" in text
    assert "Of the records known before this run, 98.84% keep their id." in text
    assert "12 pairs of companies and 2 pairs of people may each be one and wait for a decision" in text
    assert "billing and another source disagree whether 3 customers still are customers: EUR 1,750 a month" in text
    assert "EUR 1,750 a month and USD 9,000 in last contracts at stake." in text


def test_each_source_shows_its_records_its_ids_and_what_others_have_too(page: str) -> None:
    # Of the ended spell nothing counts.
    assert row(page, "listed", "All sources together") == "All sources together 80 30 2.67 20 66.7%"
    assert row(page, "listed", "HubSpot") == "HubSpot 60 30 2.00 20 66.7%"
    assert row(page, "listed", "Stripe") == "Stripe 4 3 1.33 1 33.3%"
    assert "HubSpot: 60 records are 30; Shopify: 20 records are 20." in page
    assert "60 → 30" in page


def test_quality_has_intervals_and_is_never_quite_all_where_something_is_wrong(page: str) -> None:
    assert row(page, "quality", "Right: of the pairs").endswith(f"&gt; 99.99% 99.99{TO}100.00% 29,999 30,000")
    assert row(page, "quality", "Found: of the pairs").endswith(f"97.12% 96.80{TO}97.44% 9,712 10,000")
    assert row(page, "quality", "Kept their id, records of customers").endswith(f"100.00% 60.00{TO}100.00% 6 6")
    # Customers as a whole are left out where companies and consumers are known apart.
    assert "50.00% 10.00" not in page
    assert row(page, "groups", "two typos") == f"two typos 80.00% 70.00{TO}87.00% 80 100"
    assert row(page, "refused", "Weak evidence alone").endswith("1,234 0")
    assert "Labels say of 80 records of people who they are." in text_of(page)


def test_only_what_this_run_learned_is_a_change(page: str) -> None:
    assert row(page, "events", "Grown by new records") == "Grown by new records the data 2 7"
    assert row(page, "events", "Merged into another") == "Merged into another a reviewer 1 1"
    assert "New the data" not in text_of(page)


def test_demoted_values_are_counted_by_reason(page: str) -> None:
    assert row(page, "demoted", "On many records") == "On many records phone, email 3 55 2"
    assert row(page, "demoted", "Role mailbox") == "Role mailbox email 1 3 0"


def test_conflicts_are_counted_by_field_and_status_conflicts_come_by_value(page: str) -> None:
    assert row(page, "conflicts-customer", "Status") == f"Status 2 4 50.00% 15.00{TO}85.00% 3 0 0 0"
    assert row(page, "conflicts-customer", "Plan") == f"Plan 1 4 25.00% 5.00{TO}70.00% 0 1 0 0"
    assert row(page, "conflicts-person", "Email") == f"Email 1 2 50.00% 10.00{TO}90.00% 0 1 1 0"
    assert row(page, "conflicts-person", "Country") == f"Country 1 2 50.00% 10.00{TO}90.00% 1 0 0 0"
    assert "All agree on: country." in text_of(page)
    status = re.search(r'<div class="table table-status">.*?</div>', page, re.DOTALL)
    assert status
    assert re.findall(r"cus_\d", status[0]) == ["cus_3", "cus_2", "cus_1"]
    assert row(page, "status", "cus_1") == "cus_1 Stripe: former HubSpot: active EUR 250 a month"


def test_sponsors_of_active_companies_are_counted(page: str, tmp_path: Path) -> None:
    text = text_of(page)
    assert "Of 2 active companies 1 (50.00%) has an executive sponsor, 2 (100.00%) a primary contact." in text
    assert "Of 1 company the sponsor left, and no successor is known." in text
    without = write(tmp_path, RECORDS + "update marts.dim_customers set status = 'prospect'")
    assert "executive sponsor" not in text_of(without)


def test_the_queue_is_counted_and_its_first_ten_pairs_are_named_by_ids(page: str) -> None:
    assert row(page, "queue", "Likely, but") == "Likely, but too little is alike to be certain 12 2 EUR 199 a month"
    assert row(page, "queue", "Weak evidence").endswith("two groups that strong evidence made 1 0 —")
    assert row(page, "pairs", "1 ") == "1 cus_l0 cus_r0 Linkage model 90.0% EUR 100 a month"
    assert "cus_l9" in page
    assert "cus_l10" not in page
    assert "The queue holds 12 of 12 pairs of companies and 1 of 2 pairs of people" in text_of(page)
    assert "identity_overrides.csv" in page


def test_no_personal_data(page: str, tmp_path: Path) -> None:
    assert CANARY not in page
    assert "canary" not in page.lower()
    release = build_release(tmp_path / "release", NO_LINES, sources=SOURCES, marts_sql=EVERYTHING)
    with duckdb.connect(str(release / "tenure.duckdb"), read_only=True) as connection:
        for table in ("map_source_records", "rpt_source_conflicts", "rpt_identity_review_queue", "dim_customers"):
            assert connection.sql(f"from marts.{table} as t where t::varchar like '%{CANARY}%'").fetchall(), table


def test_page_needs_nothing_from_outside(page: str) -> None:
    assert set(re.findall(r"""https?:[^\s"')]*""", page)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|<link|<img|@import|url\((?!#)", page)


def test_without_any_record_the_page_says_so(tmp_path: Path) -> None:
    html = write(tmp_path)

    assert "No source lists people or customers, so there is nobody to tell apart yet." in lead(html)
    assert "<h2" not in html


def test_with_billing_alone_nothing_is_said_of_people(tmp_path: Path) -> None:
    html = write(tmp_path, RECORDS + "delete from marts.map_source_records where source <> 'stripe'")
    text = text_of(html)

    assert "4 records of companies in 1 source are 3 companies. No source lists people." in lead(html)
    assert "Nothing waits for a decision." in lead(html)
    assert "How often that is right is not known: no labels say which records belong together." in lead(html)
    assert "name it as identity_labels of your own files in sources.yml" in text
    assert "Whether records keep their ids is told from the second day on." in text
    for nothing in (
        "No link between two records was refused.",
        "Nothing changed: no id was made, grew, merged, split or ended.",
        "No value was demoted.",
        "No two records of a customer or person tell different things.",
        "No pair waits for a decision.",
    ):
        assert nothing in text
    assert "None" not in text
    assert "nan" not in text.lower().split()


def test_a_first_day_and_conflicts_without_a_status_conflict(tmp_path: Path) -> None:
    first_day = "update marts.fct_identity_events set known_date = '2024-06-20', event = 'created', cause = 'data';"
    no_status = "delete from marts.rpt_source_conflicts where is_status_conflict"
    text = text_of(write(tmp_path, RECORDS + QUALITY + CHANGES + CONFLICTS + first_day + no_status))

    assert "This is the first day with ids, so all of them are new." in text
    assert "Billing and the other sources agree on who is still a customer." in text


def test_a_change_that_the_ledger_does_not_tell_is_warned_of(tmp_path: Path) -> None:
    unwritten = "update marts.rpt_identity_quality set value = 2 where metric = 'changed_without_event'"

    assert "2 records changed the id without an event in the ledger" in lead(
        write(tmp_path, RECORDS + QUALITY + unwritten)
    )


def test_customers_of_an_unknown_kind_are_customers(tmp_path: Path) -> None:
    unknown = "update marts.dim_customers set customer_kind = null;"
    labels = "delete from marts.rpt_identity_quality where segment = 'company'"
    html = write(tmp_path, RECORDS + LABELS + unknown + labels)

    assert "6 records of customers in 3 sources are 4 customers." in lead(html)
    assert "50.00% (customers)" in lead(html)
