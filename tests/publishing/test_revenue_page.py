"""The report's page of revenue, written from small releases."""

import re
from pathlib import Path

import pytest

from publishing.report.pages import write_pages
from publishing.report.words import MINUS, MISSING, TO
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
CUSTOMERS = """
    insert into marts.rpt_customer_retention_rate by name
    select
        month, window_months, dimension, dimension as segment, 500 as start_customer_count, ends as end_customer_count,
        50 as new_customer_count, 455 as kept_customer_count, (ends - 50) / 500 as simple_retention_rate,
        0.91 as retention_rate, 0.88 as ci_low, 0.93 as ci_high, ends > 505 as is_simple_rate_off,
        0.25 as revenue_churn_rate, true as is_complete, true as min_cell_ok
    from (values
        (date '2024-05-01', 12, 'all', 510), (date '2024-05-01', 1, 'all', 505), (date '2024-04-01', 3, 'all', 510),
        (date '2024-05-01', 6, 'plan', 510)
    ) as t(month, window_months, dimension, ends);
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

TRENDS = """
    insert into marts.rpt_metric_trends by name
    select
        metric, window_months, month, 'all' as dimension, 'all' as segment, value, 50 as n, previous_value,
        value - previous_value as change, streak_months, is_worsening, percentile as history_percentile,
        history_month_count
    from (values
        ('mrr', 1, date '2024-03-01', 2215, 2120, 11, false, 1, 11),
        ('mrr', 1, date '2024-04-01', 2310, 2215, 12, false, 1, 12),
        ('mrr', 1, date '2024-05-01', 2405, 2310, 13, false, 1, 13),
        ('nrr', 12, date '2024-05-01', 1.05, null, null, false, null, 0),
        ('gross_mrr_churn_rate', 1, date '2024-05-01', 0.03, 0.02, 4, true, 0.5, 13)
    ) as t(
        metric, window_months, month, value, previous_value, streak_months, is_worsening, percentile,
        history_month_count
    );
    insert into marts.rpt_benchmarks by name
    select
        'nrr' as metric, 12 as window_months, dimension, segment, level, low_value, high_value, 'Some guide' as source,
        date '2024-05-01' as month, 1.05 as value,
        if(value < low_value, 'below', 'within') as standing, segment <> 'tiny' as min_cell_ok
    from (values
        ('all', 'all', 'strong', 1.1, null), ('tier', 'SMB', 'typical', 1.01, 1.05),
        ('tier', 'tiny', 'typical', 1.01, 1.05)
    ) as t(dimension, segment, level, low_value, high_value);
"""
RESTATEMENTS = """
    insert into marts.rpt_restatements by name
    select
        date '2024-06-10' as restated_date, release as previous_release_id, date '2024-06-09' as previous_as_of_date,
        table_name, figure, date '2024-04-01' as month, dimension, 'all' as segment, basis, span as span_months,
        was as previous_value, now as value, cause
    from (values
        ('r1', 'rpt_mrr_months', 'closing_amount', 'all', 'month', 0, 1, 2, 'fx'),
        ('r2', 'rpt_mrr_months', 'closing_amount', 'all', 'month', 0, 2300, 2310, 'identity, late_data'),
        ('r2', 'rpt_nrr_monthly', 'nrr', 'all', 'window', 12, 1.04, null, 'late_data'),
        ('r2', 'rpt_nrr_monthly', 'grr', 'all', 'window', 12, 0.96761, 0.96764, 'late_data'),
        ('r2', 'rpt_nrr_monthly', 'nrr', 'plan', 'window', 12, 1.04, 1.05, 'late_data')
    ) as t(release, table_name, figure, dimension, basis, span, was, now, cause);
"""
SURVIVAL = """
    insert into marts.rpt_survival by name
    select
        dimension, segment, age, 50 as customer_count, 1 - age / 100 as survival, 0.5 as ci_low, 0.99 as ci_high,
        age / 200 as voluntary_incidence, age / 300 as involuntary_incidence, 0 as suspended_incidence,
        age / 600 as unknown_incidence, 21.5 as mean_months,
        segment <> 'tiny' as min_cell_ok
    from range(25) as t(age), (values ('all', 'all'), ('plan', 'team'), ('plan', 'tiny')) as d(dimension, segment);
"""
BILLING = """
    insert into marts.rpt_billing_reconciliation by name
    select
        month, currency, reason, amount, 3 as row_count, 1100 as invoiced_amount, 300 as mrr_amount,
        'default' as policy
    from (values
        (date '2024-05-01', 'EUR', 'prepayment', 500), (date '2024-05-01', 'EUR', 'tax', 320),
        (date '2024-05-01', 'EUR', 'change', -20), (date '2024-05-01', 'EUR', 'unexplained', 0),
        (date '2024-05-01', 'USD', 'unexplained', 0), (date '2024-04-01', 'EUR', 'credit', 7)
    ) as t(month, currency, reason, amount);
    insert into marts.rpt_definition_reconciliation by name
    select
        policy, date '2024-05-01' as month, policy = 'default' as is_active, 'EUR' as currency, 300 as our_mrr_amount,
        0 as trial_amount, 0 as dunning_amount, 0 as pause_amount, 0 as cancellation_amount, 0 as usage_amount,
        if(policy = 'stripe', 50, 0) as discount_amount, 300 + discount_amount as policy_mrr_amount,
        if(policy = 'stripe', 4, 0) as subscription_count
    from (values ('stripe'), ('default')) as t(policy);
    insert into marts.dim_revenue_policies by name
    select
        policy, policy = 'default' as is_active, if(policy = 'default', 'service_end', 'cancel_request') as
        churn_recognition, if(policy = 'default', 21, null) as dunning_days, 'churn' as unpaid, 0 as grace_days,
        'exclude' as trials, 'count' as pauses, 'keep' as free, 'all' as discounts, 'keep' as same_month,
        0 as usage_months, 'UTC' as time_zone
    from (values ('stripe'), ('default')) as t(policy);
    insert into marts.rpt_failed_payments by name
    select
        date '2024-05-01' as month, days as recovery_days, 'EUR' as currency, 12 as failed_invoice_count,
        9 as recovered_invoice_count, 1200 as failed_amount, 900 as recovered_amount, 0.75 as recovery_rate,
        0.47 as ci_low, 0.91 as ci_high, 0.75 as amount_recovery_rate, days < 30 as is_complete, true as min_cell_ok
    from (values (7), (30)) as t(days);
"""


def write(folder: Path, marts_sql: str = "") -> str:
    release = build_release(folder / "release", NO_LINES, marts_sql=marts_sql)
    write_pages(release, NoPrinter())
    return (release / "report" / "revenue.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    marts = MONTHS + RETENTION + CUSTOMERS + MOVEMENTS + COHORTS + SURVIVAL + TRENDS + BILLING
    return write(tmp_path_factory.mktemp("everything"), marts)


def test_lead_says_what_is_paid_what_stays_and_what_was_lost(page: str) -> None:
    text = lead(page)
    assert "At the end of May 2024 54 customers paid EUR 2,405 a month, 100.4% more than a year before." in text
    assert "Of what 41 customers paid a year before, 105.0% was still paid then (net retention; 95% interval" in text
    assert f"101.0{TO}109.0%), 90.0% without what they added (gross)." in text
    assert (
        "1 customer left in May 2024 with EUR 60 a month, 50.0% of it because a payment failed; with what others pay "
        "less, 3.0% of the opening revenue was lost." in text
    )
    assert "1 movement in a currency without a rate in fx_rates.csv: in no total of this page." in text


def test_three_rising_months_of_churn_are_told(page: str, tmp_path: Path) -> None:
    assert "Lost revenue has risen for 4 months in a row, as a share of what each month opened with." in lead(page)
    calm = "update marts.rpt_metric_trends set is_worsening = false;"
    assert "Lost revenue has risen for" not in lead(write(tmp_path, MONTHS + TRENDS + calm))


def test_what_others_reach_stands_beside(page: str) -> None:
    figure = "Net revenue retention, 12 months"
    assert row(page, "benchmarks", figure) == f"{figure} Strong from 110% 105.0% below Some guide"
    assert row(page, "benchmarks", f"{figure}: SMB") == f"{figure}: SMB Typical 101{TO}105% 105.0% within Some guide"
    assert "tiny" not in page


def test_restatements_of_the_newest_run_are_told(page: str, tmp_path: Path) -> None:
    assert "No figure of a month that was over has been told otherwise since." in text_of(page)
    told = write(tmp_path, MONTHS + RESTATEMENTS)
    assert (
        "The report of 10 June 2024 told 4 figures of months that were over otherwise than the one of 9 June 2024: "
        "came late (3); records moved between customers, came late (1)." in text_of(told)
    )
    assert row(told, "restatements", "Revenue at the end") == (
        "Revenue at the end of the month April 2024 EUR 2,300 EUR 2,310 Records moved between customers, came late"
    )
    assert row(told, "restatements", "Net revenue retention") == (
        f"Net revenue retention, 12 months April 2024 104.00% {MISSING} Came late"
    )
    assert row(told, "restatements", "Gross revenue retention") == (
        "Gross revenue retention, 12 months April 2024 96.761% 96.764% Came late"
    )


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


def test_customers_kept_by_both_formulas_with_what_revenue_went(page: str) -> None:
    rest = f"91.0% 88.0{TO}93.0%"
    assert row(page, "customers", "12 months") == f"12 months 500 50 510 92.0% {rest} they differ 25.0%"
    assert row(page, "customers", "1 month") == f"1 month 500 50 505 91.0% {rest} the same 25.0%"
    table = page.split('<div class="table table-customers">')[1].split("</table>")[0]
    assert table.count("<tr") == 3, "other months and groups are not in it"


def test_survival_by_group(page: str) -> None:
    assert row(page, "lifetimes", "Team") == f"Team 50 87.0% 50.0{TO}99.0% 6.5% 4.3% 0.0% 2.2% 21.5"
    assert "Customers still there: after 6 months 94.0%, after 13 months 87.0%, after 24 months 76.0%." in page


def test_headlines_have_a_direction_and_their_own_history(page: str) -> None:
    assert row(page, "headlines", "Recurring revenue") == (
        "Recurring revenue a month EUR 2,405 EUR 2,310 ▲ ▲ ▲ above 100% of 13 months"
    )
    assert "only 0 months before it" in row(page, "headlines", "Net revenue retention")


def test_without_revenue_the_page_says_so(tmp_path: Path) -> None:
    text = lead(write(tmp_path))
    assert "No month with recurring revenue is over yet" in text


def test_page_needs_nothing_from_outside(page: str) -> None:
    assert set(re.findall(r"""https?:[^\s"')]*""", page)) <= {"http://www.w3.org/2000/svg"}
    assert "None" not in text_of(page)
    assert "nan" not in text_of(page).lower().split()


def test_invoices_less_each_reason_are_revenue(page: str) -> None:
    text = text_of(page)
    assert "From invoices to recurring revenue, May 2024" in text
    lines = (
        "EUR Invoiced in the month, with tax EUR 1,100 "
        f"Paid in advance: a period of more than a month 3 EUR {MINUS}500 Tax 3 EUR {MINUS}320 "
        "Changed since the period began 3 EUR 20 Unexplained 3 EUR 0 "
        "Recurring revenue at the end of the month EUR 300 USD"
    )
    assert lines in " ".join(text.split())
    assert "Nothing is left unexplained." in text
    assert "Credits" not in text


def test_what_nobody_can_explain_is_told(tmp_path: Path) -> None:
    wrong = "update marts.rpt_billing_reconciliation set amount = 12 where reason = 'unexplained' and currency = 'USD';"
    assert "No reason is known for USD \N{MINUS SIGN}12." in text_of(write(tmp_path, MONTHS + BILLING + wrong))


def test_other_tools_figures_and_recovery(page: str) -> None:
    assert row(page, "definitions", "default (ours)") == "default (ours) EUR 300 0 0"
    assert row(page, "definitions", "stripe") == "stripe EUR 350 50 4"
    assert (
        row(page, "recovery", "May 2024, within 7 days")
        == f"May 2024, within 7 days 12 EUR 1,200 EUR 900 75.0% 47.0{TO}91.0%"
    )
    assert "within 30 days" not in text_of(page)


def test_the_rules_of_each_definition_are_told(page: str) -> None:
    assert row(page, "rules", "A customer is lost").endswith("when billing ends it when it is asked for")
    assert row(page, "rules", "Dunning, days").endswith("21 until billing ends it")


def test_without_invoices_nothing_is_set_beside_revenue(tmp_path: Path) -> None:
    assert "once a billing system gives some" in text_of(write(tmp_path, MONTHS))
