"""The report's page of revenue, written from small releases."""

import re
from pathlib import Path

import pytest

from publishing.report.pages import write_pages
from publishing.report.words import MINUS, TO
from tests.publishing.small_release import build_release, text_of
from tests.publishing.test_sources_page import NO_LINES, NoPrinter, lead, row

# Fourteen months that are over and one that isn't.
MONTHS = """
    insert into marts.rpt_mrr_months by name
    select
        (date '2023-04-01' + to_months(x::integer))::date as month, 'all' as dimension, 'all' as segment,
        'EUR' as currency, 1000 + 100 * x as opening_amount, 150 as new_amount, 20 as expansion_amount,
        -10 as contraction_amount, if(x >= 11, -10 * (x - 7), -60) as churn_amount, 0 as reactivation_amount,
        0 as scope_change_amount, if(x = 13, 5, 0) as fx_amount,
        opening_amount + 150 + 20 - 10 + churn_amount + fx_amount as closing_amount, 12 * closing_amount as arr_amount,
        40 + x as opening_customer_count, 41 + x as closing_customer_count, 2 as new_customer_count,
        1 as churned_customer_count, 0 as reactivated_customer_count,
        churn_amount / 2 as voluntary_churn_amount, churn_amount / 2 as involuntary_churn_amount,
        (10 - churn_amount) / opening_amount as gross_mrr_churn_rate, 0.01 as net_mrr_churn_rate,
        0.02 as expansion_rate, 2.5 as quick_ratio, closing_amount / (41 + x) as arpa_amount,
        x < 14 as is_complete, true as min_cell_ok, 'default' as policy
    from range(15) as t(x);
"""
RETENTION = """
    insert into marts.rpt_nrr_monthly by name
    select
        month, window_months, dimension, segment, 41 as start_customer_count, 35 as kept_customer_count,
        1000 as start_amount, 1050 as end_amount, 900 as kept_amount, 880 as lowest_amount,
        1.05 as nrr, 1.01 as nrr_ci_low, 1.09 as nrr_ci_high, 0.9 as grr, 0.86 as grr_ci_low, 0.94 as grr_ci_high,
        0.88 as strict_grr, 0.8537 as logo_retention_rate, 0.7 as logo_ci_low, 0.93 as logo_ci_high,
        0.1463 as logo_churn_rate, true as is_complete, dimension = 'all' or segment = 'team' as min_cell_ok,
        'default' as policy
    from (values (date '2024-05-01'), (date '2024-04-01')) as m(month),
        (values (1), (12)) as w(window_months),
        (values ('all', 'all'), ('plan', 'team'), ('plan', 'tiny')) as d(dimension, segment);
"""
MOVEMENTS = """
    insert into marts.fct_mrr_movements by name
    select
        'cus_1' as customer_id, date '2024-05-02' as movement_date, date '2024-05-01' as movement_month, movement,
        reason, amount as reporting_amount, currency as reporting_currency
    from (values
        ('churn', 'involuntary', -30, 'EUR'), ('churn', 'voluntary', -40, 'EUR'), ('expansion', 'seats', 20, 'EUR'),
        ('new', null, 150, 'EUR'), ('new', null, null, null)
    ) as t(movement, reason, amount, currency);
"""
COHORTS = """
    insert into marts.rpt_cohort_retention by name
    select
        'calendar' as age_basis, date '2024-03-01' as cohort_month, 'all' as dimension, 'all' as segment, age,
        20 as cohort_size, 1 - age / 10 as retention_rate, 1 + age / 20 as revenue_retention_rate,
        age < 2 as is_complete, true as min_cell_ok
    from (values (0), (1), (2)) as t(age);
"""

SURVIVAL = """
    insert into marts.rpt_survival by name
    select
        dimension, segment, age, 50 as customer_count, 1 - age / 100 as survival, 0.5 as ci_low, 0.99 as ci_high,
        age / 200 as voluntary_incidence, age / 200 as involuntary_incidence, 21.5 as mean_months,
        segment <> 'tiny' as min_cell_ok
    from range(25) as t(age), (values ('all', 'all'), ('plan', 'team'), ('plan', 'tiny')) as d(dimension, segment);
"""


def write(folder: Path, marts_sql: str = "") -> str:
    release = build_release(folder / "release", NO_LINES, marts_sql=marts_sql)
    write_pages(release, NoPrinter())
    return (release / "report" / "revenue.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("everything"), MONTHS + RETENTION + MOVEMENTS + COHORTS + SURVIVAL)


def test_lead_says_what_is_paid_what_stays_and_what_was_lost(page: str) -> None:
    text = lead(page)
    assert "At the end of May 2024 54 customers paid EUR 2,405 a month, 100.4% more than a year before." in text
    assert "Of what 41 customers paid a year before, 105.0% is paid today (net retention; 95% interval" in text
    assert f"101.0{TO}109.0%), 90.0% without what they added (gross)." in text
    assert (
        "1 customer left in May 2024 with EUR 60 a month, 50.0% of it because a payment failed; with what others pay "
        "less, 3.0% of the opening revenue was lost." in text
    )
    assert "1 movement in a currency without a rate in fx_rates.csv: in no total of this page." in text


def test_three_rising_months_of_churn_are_told(page: str, tmp_path: Path) -> None:
    assert "Lost revenue has risen for" not in lead(page)
    rising = """
        update marts.rpt_mrr_months set gross_mrr_churn_rate = 0.01 * month(month) where month >= '2024-02-01';
    """
    assert "Lost revenue has risen for 3 months in a row" in lead(write(tmp_path, MONTHS + rising))


def test_the_bridge_and_its_reasons(page: str) -> None:
    assert row(page, "bridge", "May 2024") == (f"May 2024 2,300 150 20 0 {MINUS}10 {MINUS}60 0 5 2,405")
    assert not re.search(r"June 2024\s*</t[hd]>", page)
    assert row(page, "losses", "Churn: payment failed") == f"Churn: payment failed 1 EUR {MINUS}30"
    assert row(page, "losses", "Expansion: units") == "Expansion: units 1 EUR 20"


def test_retention_by_window_and_group(page: str) -> None:
    rates = f"41 1,000 105.0% 101.0{TO}109.0% 90.0% 86.0{TO}94.0% 88.0% 85.4%"
    assert row(page, "windows", "12 months") == f"12 months {rates}"
    assert row(page, "segments", "Team") == f"Team {rates}"
    assert "Tiny" not in text_of(page)


def test_survival_by_group(page: str) -> None:
    assert row(page, "lifetimes", "Team") == f"Team 50 88.0% 50.0{TO}99.0% 6.0% 6.0% 21.5"
    assert "Customers still there: after 6 months 94.0%, after 12 months 88.0%, after 24 months 76.0%." in page


def test_headlines_have_a_direction_and_their_own_history(page: str) -> None:
    assert row(page, "headlines", "Recurring revenue") == (
        "Recurring revenue a month EUR 2,405 EUR 2,310 ▲ ▲ ▲ above 13 of 13 months"
    )
    assert "only 1 month before it" in row(page, "headlines", "Net revenue retention")


def test_without_revenue_the_page_says_so(tmp_path: Path) -> None:
    text = lead(write(tmp_path))
    assert "No month with recurring revenue is over yet" in text


def test_page_needs_nothing_from_outside(page: str) -> None:
    assert set(re.findall(r"""https?:[^\s"')]*""", page)) <= {"http://www.w3.org/2000/svg"}
    assert "None" not in text_of(page)
    assert "nan" not in text_of(page).lower().split()
