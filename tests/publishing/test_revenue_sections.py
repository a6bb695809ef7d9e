"""The sections of the page of revenue on renewals, on what a customer is worth and on first value."""

import re
from pathlib import Path

import pytest

from publishing.report.words import TO
from tests.publishing.small_release import text_of
from tests.publishing.test_revenue_page import MONTHS, write
from tests.publishing.test_sources_page import row

# Two months that are over, one of them with something pending, and three to come.
RENEWALS = """
    insert into marts.rpt_renewal_rates by name
    select
        due_month, window_months, dimension, segment, 12 as due_customer_count, 10 as renewed_customer_count,
        if(is_past, 13, 0) as due_count, pending as pending_count, coming as upcoming_count,
        if(is_past, 1000, 0) as due_amount, if(is_past, 850, 0) as kept_amount, if(is_past, 940, 0) as renewed_amount,
        50 * pending as pending_amount, 100 * coming as upcoming_amount,
        if(is_past, 0.85, null) as gross_renewal_rate, if(is_past, 0.7, null) as gross_ci_low,
        if(is_past, 0.95, null) as gross_ci_high, if(is_past, 0.94, null) as net_renewal_rate,
        if(is_past, 0.8, null) as net_ci_low, if(is_past, 1.1, null) as net_ci_high,
        if(is_past, 10 / 12, null) as logo_renewal_rate, is_past and pending = 0 as is_complete,
        segment <> 'tiny' as min_cell_ok
    from (values
        (date '2024-04-01', 1, 'all', 'all', 0, 0, true), (date '2024-04-01', 12, 'all', 'all', 0, 0, true),
        (date '2024-04-01', 12, 'plan', 'team', 0, 0, true), (date '2024-04-01', 12, 'plan', 'tiny', 0, 0, true),
        (date '2024-05-01', 1, 'all', 'all', 2, 0, true), (date '2024-06-01', 1, 'all', 'all', 0, 3, false),
        (date '2024-07-01', 1, 'all', 'all', 0, 4, false), (date '2024-09-01', 1, 'all', 'all', 0, 1, false)
    ) as t(due_month, window_months, dimension, segment, pending, coming, is_past);
"""
VALUES = """
    insert into marts.rpt_lifetime_value by name
    select
        formula, dimension, segment, 60 as customer_count, value as value_amount, value - 100 as ci_low_amount,
        value + 100 as ci_high_amount, 'EUR' as currency, 19.54 as lifespan_months, 65 as monthly_amount,
        24 as horizon_months, margin as margin_rate, margin / 8 as discount_rate, reason as missing_reason,
        segment <> 'tiny' as min_cell_ok
    from (values
        ('clv_simple', 'all', 'all', 1250, null, null), ('clv_simple', 'plan', 'team', 2500, null, null),
        ('clv_simple', 'plan', 'tiny', 9, null, null), ('clv_margin_disc', 'all', 'all', 900, 0.8, null),
        ('clv_predicted', 'all', 'all', null, null, '60 customers have an order; predictions need 500.')
    ) as t(formula, dimension, segment, value, margin, reason);
"""
FIRST_VALUES = """
    insert into marts.rpt_time_to_first_value by name
    select
        clock, criterion, dimension, segment, step as step_number, step is distinct from 1 as is_first_value,
        40 as start_count, 36 as reached_count, 4 as open_count, 0.9 as reached_rate, 0.77 as reached_ci_low,
        0.96 as reached_ci_high, days as median_days, days - 1 as median_ci_low_days,
        if(step = 1, null, days + 1) as median_ci_high_days, null as p90_days, 0.95 as in_time_rate,
        0.9 as in_time_ci_low, 0.98 as in_time_ci_high, 0.04 as miss_rate, 90 as due_days,
        segment <> 'tiny' as min_cell_ok
    from (values
        ('contract_start', 'kickoff', 'all', 'all', 1, 3.5), ('contract_start', 'first_value', 'all', 'all', 2, 18.4),
        ('contract_start', 'first_value', 'plan', 'team', 2, 20),
        ('contract_start', 'first_value', 'plan', 'tiny', 2, 9),
        ('sign_up', 'key_event', 'all', 'all', null, 5.8), ('sign_up', 'key_event', 'plan', 'team', null, 5)
    ) as t(clock, criterion, dimension, segment, step, days);
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("sections"), MONTHS + RENEWALS + VALUES + FIRST_VALUES)


def test_renewals_by_month_beside_what_comes(page: str) -> None:
    rates = f"12 1,000 85.0% 70.0{TO}95.0% 94.0% 80.0{TO}110.0% 83.3%"
    assert row(page, "renewals", "April 2024") == f"April 2024 {rates} —"
    assert row(page, "renewals", "May 2024") == f"May 2024 * {rates} 2"
    assert row(page, "renewals-to-come", "July 2024") == "July 2024 4 400"
    assert row(page, "renewal-groups", "Team") == f"Team {rates}"
    text = text_of(page)
    due = "Of EUR 1,000 a year that fell due in the twelve months to April 2024, "
    assert f"{due}85.0% was renewed (gross renewal rate" in text
    assert f"95% interval 70.0{TO}95.0%), 94.0% with what it costs more (net); of 12 customers, 83.3% renewed." in text
    assert "EUR 800 falls due up to September 2024, in 8 renewals." in text
    assert re.search(r">Aug<.*>Sep<", page), "a month in which nothing falls due has its place"
    assert (
        "Renewed: April 2024 85.0% of EUR 1,000. To come: June 2024 EUR 300, July 2024 EUR 400, September 2024 EUR 100."
        in page
    )


def test_values_by_formula_and_why_there_is_none(page: str) -> None:
    assert row(page, "worth", "Team") == f"Team 60 EUR 2,500 2,400{TO}2,600 19.5 of 24 65 — —"
    text = text_of(page)
    assert "a gross margin of 80%, discounted at 10% a year" in text
    assert "(clv_predicted): 60 customers have an order; predictions need 500." in text


def test_first_value_by_clock_and_step(page: str) -> None:
    assert row(page, "first-value", "Team") == f"Team 40 4 20.0 19.0{TO}21.0 — 95.0% 90.0{TO}98.0% 4.0%"
    assert row(page, "funnel", "Kickoff") == f"Kickoff 40 36 90.0% 77.0{TO}96.0% 3.5 —"
    assert row(page, "funnel", "First value").startswith("First value ◂ 40 36")
    text = text_of(page)
    assert "Sign-up to key event" in text
    assert "Tiny" not in text


def test_without_terms_and_plans_the_sections_are_left_out(tmp_path: Path) -> None:
    text = text_of(write(tmp_path, MONTHS))
    for heading in ("Renewals", "What a customer is worth", "How long until first value"):
        assert heading not in text
