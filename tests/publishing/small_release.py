"""Small releases for the report's tests, built in plain SQL, and what a reader sees of their pages."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import duckdb
import yaml

from ingestion.home import PROJECT_ROOT

RELEASE_ID = "20240620T060000Z-ab12cd"
CANARY_NAME = "Zebulon Canary"
CANARY_EMAIL = "zebulon.canary@example.org"

LINES = """
    create table lines (
        customer varchar, order_id varchar, ordered_at timestamp, country varchar, currency varchar,
        amount decimal(18, 4), disposition varchar, reason varchar
    )
"""

MARTS = """
    create schema marts;
    create macro wilson_low(n, d) as case when d > 0 then greatest(0,
        (n / d + 1.9208 / d - 1.96 * sqrt(n / d * (1 - n / d) / d + 0.9604 / d / d)) / (1 + 3.8416 / d)) end;
    create macro wilson_high(n, d) as case when d > 0 then least(1,
        (n / d + 1.9208 / d + 1.96 * sqrt(n / d * (1 - n / d) / d + 0.9604 / d / d)) / (1 + 3.8416 / d)) end;
    create macro is_over(a_month) as last_day(a_month) <= (select as_of from run);
    create table marts.release_info as
        select $release_id as release_id, as_of as as_of_date, data_through, created_at from run;
    create view one_currency as
        select case when count(distinct currency) = 1 then any_value(currency) end as currency from lines;
    create view money as
        select
            lines.* replace (if(c.currency is null, null, lines.amount) as amount, c.currency as currency)
        from lines, one_currency as c;
    create table marts.fct_orders as
        select
            order_id, customer as customer_id, customer is not null as has_customer, min(ordered_at) as ordered_at,
            min(ordered_at)::date as order_date, date_trunc('month', min(ordered_at))::date as order_month,
            any_value(country) as country, any_value(currency) as currency, count(*) as sale_line_count,
            0 as cancelled_line_count, sum(amount)::decimal(18, 4) as gross_amount,
            (sum(amount) * 0)::decimal(18, 4) as returned_amount, sum(amount)::decimal(18, 4) as net_amount,
            false as is_fully_returned
        from money where disposition = 'sale' group by order_id, customer;
    create view known as select * from marts.fct_orders where has_customer;
    create table marts.dim_customers as
        select
            customer_id, null::varchar as customer_kind, null::varchar as segment, null::varchar as status,
            null::varchar as sponsor_source, null::varchar as primary_contact_source, 'files' as identity_source,
            1 as record_count,
            $name as customer_name, $email as email, any_value(country) as country, null::timestamp as signed_up_at,
            min(order_date) as first_order_date, max(order_date) as last_order_date, min(order_month) as cohort_month,
            count(*) as order_count, count(distinct order_date) as order_day_count, sum(gross_amount) as gross_amount,
            sum(returned_amount) as returned_amount, sum(net_amount) as net_amount, any_value(currency) as currency
        from known group by customer_id;
    create view month_span as
        select unnest(generate_series(min(order_month), date_trunc('month', (select as_of from run)), interval 1 month))
            ::date as a_month
        from marts.fct_orders;
    create table marts.rpt_order_months as
        select
            a_month as order_month, is_over(a_month) as is_complete, (select currency from one_currency) as currency,
            count(distinct o.customer_id) as customer_count,
            count(distinct o.customer_id) filter (c.cohort_month = a_month) as new_customer_count,
            count(distinct o.customer_id) filter (c.cohort_month < a_month) as returning_customer_count,
            returning_customer_count / nullif(customer_count, 0) as returning_customer_rate,
            wilson_low(returning_customer_count, customer_count) as ci_low,
            wilson_high(returning_customer_count, customer_count) as ci_high,
            count(o.order_id) as order_count,
            count(o.order_id) filter (not o.has_customer) as anonymous_order_count,
            sum(o.gross_amount) as gross_amount,
            sum(o.returned_amount) as returned_amount,
            sum(o.net_amount) as net_amount,
            avg(o.gross_amount)::decimal(18, 4) as average_order_amount,
            0.0 as return_rate
        from month_span left join marts.fct_orders as o on o.order_month = a_month
        left join marts.dim_customers as c on o.customer_id = c.customer_id
        group by a_month;
    create view cohort_sizes as select cohort_month, count(*) as n from marts.dim_customers group by all;
    create table marts.rpt_order_cohorts as
        select
            s.cohort_month, date_diff('month', s.cohort_month, a_month) as months_since_first,
            a_month as activity_month, s.n as cohort_size, count(distinct o.customer_id) as active_customer_count,
            active_customer_count / s.n as retention_rate, wilson_low(active_customer_count, s.n) as ci_low,
            wilson_high(active_customer_count, s.n) as ci_high, sum(o.gross_amount) as gross_amount,
            sum(o.net_amount) as net_amount, (select currency from one_currency) as currency,
            is_over(a_month) as is_complete,
            s.n >= $min_cell as min_cell_ok
        from cohort_sizes as s join month_span on a_month >= s.cohort_month
        left join marts.dim_customers as c on c.cohort_month = s.cohort_month
        left join known as o on o.order_month = a_month and o.customer_id = c.customer_id
        group by s.cohort_month, a_month, s.n;
    create view second_days as
        select
            c.customer_id, c.country, c.first_order_date,
            min(o.order_date) filter (o.order_date > c.first_order_date) as second_date
        from marts.dim_customers as c join known as o on o.customer_id = c.customer_id group by all;
    create table marts.rpt_repeat_purchase as
        with windows as (select unnest([30, 60, 90, 180, 365, null]) as window_days),
        judged as (
            select
                s.*, w.window_days,
                coalesce(first_order_date + window_days <= (select as_of from run), true) as is_mature,
                second_date is not null and coalesce(second_date <= first_order_date + window_days, true) as came_back
            from second_days as s, windows as w
        ),
        segments as (
            select 'all' as segment_by, 'all' as segment, * from judged
            union all by name select 'country' as segment_by, coalesce(country, 'unknown') as segment, * from judged
        )
        select
            segment_by, segment, window_days, count(*) filter (is_mature and came_back) as num,
            count(*) filter (is_mature) as den, num / nullif(den, 0) as rate, wilson_low(num, den) as ci_low,
            wilson_high(num, den) as ci_high, count(*) filter (not is_mature) as immature_customer_count,
            bool_and(is_mature) as is_complete, den >= $min_cell as min_cell_ok
        from segments group by segment_by, segment, window_days;
    create table marts.rpt_order_line_balance as
        select
            'files' as source, disposition, reason,
            if(disposition != 'quarantined', customer is not null, null) as has_customer, currency,
            count(*) as line_count, sum(amount) as line_amount
        from money group by all;
    create table marts.rpt_source_health (
        source varchar, system varchar, table_name varchar, role varchar, owner varchar, connection varchar,
        is_connected boolean, is_critical boolean, record_date date, is_as_of_date boolean, received_count bigint,
        loaded_count bigint, quarantined_count bigint, superseded_count bigint, new_count bigint, late_count bigint,
        expected_count double, is_gap boolean, coverage_rate double, newest_record_date date, days_behind integer,
        freshness_days integer, stale_days integer, recent_new_count bigint, recent_expected_count double,
        refusal_count bigint, refusal_reason varchar,
        schema_change varchar, orphan_count bigint, current_count bigint, deleted_count bigint,
        open_quarantine_count bigint, status varchar
    );
    create table marts.rpt_source_refusals (
        source varchar, system varchar, table_name varchar, file varchar, reason varchar
    );
    create table marts.map_source_records (
        entity varchar, source varchar, list_kind varchar, source_record_id varchar, durable_id varchar,
        valid_from_date date, valid_to_date date, is_current boolean
    );
    create table marts.rpt_identity_quality (
        entity varchar, metric varchar, segment varchar, value double, num double, den double, ci_low double,
        ci_high double
    );
    create table marts.fct_identity_events (
        event_number bigint, entity varchar, durable_id varchar, event varchar, other_id varchar, record_count bigint,
        cause varchar, known_date date
    );
    create table marts.rpt_demoted_identifiers (
        entity varchar, id_type varchar, id_value varchar, reason varchar, record_count bigint,
        counts_with_name boolean
    );
    create table marts.map_customer_people (
        customer_id varchar, person_id varchar, role varchar, evidence varchar, source varchar, valid_from_date date,
        valid_to_date date, is_current boolean
    );
    create table marts.rpt_source_conflicts (
        entity varchar, customer_id varchar, person_id varchar, field varchar, field_group varchar,
        winning_value varchar, winning_source varchar, winning_list_kind varchar, winning_source_record_id varchar,
        winning_as_of_date date, losing_value varchar, losing_source varchar, losing_list_kind varchar,
        losing_source_record_id varchar, losing_as_of_date date, losing_record_count bigint, rule varchar,
        is_status_conflict boolean, value_at_stake_amount decimal(18, 4), currency varchar,
        value_at_stake_basis varchar
    );
    create table marts.fct_identity_edges (
        entity varchar, record_id_l varchar, record_id_r varchar, rule varchar, tier varchar, confidence double,
        match_weight double, is_kept boolean, reason varchar, valid_from_date date
    );
    create table marts.rpt_identity_review_queue (
        entity varchar, rank bigint, id_l varchar, id_r varchar, record_id_l varchar, record_id_r varchar,
        rule varchar, confidence double, match_weight double, reason varchar, value_at_stake_amount decimal(18, 4),
        currency varchar, value_at_stake_basis varchar, override_row varchar
    );
    create schema state;
    create table state.source_loads (
        source varchar, table_name varchar, received_at timestamp, received_count bigint, loaded_count bigint,
        quarantined_count bigint, superseded_count bigint, replaced_count bigint, deleted_count bigint
    );
"""

SOURCE_DAYS = """
    insert into marts.rpt_source_health
    with days as (
        select
            unnest(generate_series(as_of - 69, as_of, interval 1 day))::date as record_date,
            as_of - $behind::int as newest
        from run
    ),
    counted as (
        select
            record_date,
            case
                when record_date > newest or record_date = $missing::date then 0
                when record_date >= as_of - 7 then coalesce($lately, $daily)
                else $daily
            end as new_count,
            new_count + $changed as loaded_count, 0 as quarantined_count, 0 as superseded_count
        from days, run
        union all
        select null, 0, 0, $quarantined, $superseded
    )
    select
        $source, $system, $table_name, $role, 'data', $connection, $connection is not null, true, record_date,
        coalesce(record_date = as_of, false), loaded_count + quarantined_count + superseded_count, loaded_count,
        quarantined_count, superseded_count, new_count, 0, if(record_date is not null and $daily > 0, $daily, null),
        coalesce(record_date = $missing::date, false), if($daily > 0, new_count / $daily, null),
        if($daily > 0, as_of - $behind::int, null), if($daily > 0, $behind, null), $target, 7,
        (select sum(new_count) from counted where record_date between as_of - 7 and as_of - 1)
            + if($daily >= 20, 0, null),
        if($daily >= 20, 7 * $daily, null), if($reason is null, 0, 1), $reason, $schema_change, $orphans,
        (select sum(new_count) from counted) - $deleted, $deleted, $quarantined - $mended, $status
    from counted, run
"""


LOADS = """
    insert into state.source_loads
    select
        source, table_name, created_at - interval 1 hour, sum(received_count), sum(loaded_count),
        sum(quarantined_count), sum(superseded_count), 0, any_value(deleted_count)
    from marts.rpt_source_health, run where is_connected group by all
"""


@dataclass(frozen=True)
class Source:
    """A raw table: `daily` rows on each of 70 days, the last of them `behind` days before the as-of date.

    `lately`: how many came a day of the last week instead. `changed`: newer versions of known records, every day.
    """

    source: str
    system: str
    table_name: str
    role: str
    connection: str | None = "exports"
    status: str = "ok"
    daily: int = 0
    lately: int | None = None
    changed: int = 0
    behind: int = 0
    target: int = 2
    quarantined: int = 0
    mended: int = 0
    superseded: int = 0
    deleted: int = 0
    missing: str | None = None
    reason: str | None = None
    schema_change: str | None = None
    orphans: int = 0


MANIFEST_TABLES = ("fct_orders", "rpt_source_health", "rpt_source_refusals")
ORDER_LINES = Source("files", "Files", "order_lines", "commerce", "files", daily=4)


def build_release(
    release_dir: Path,
    lines_sql: str,
    as_of: str = "2024-06-20",
    min_cell: int = 5,
    checks: list[dict[str, object]] | None = None,
    sources: Sequence[Source] = (ORDER_LINES,),
    strays: Sequence[tuple[str, str]] = (),
    marts_sql: str = "",
) -> Path:
    """A release whose marts are derived in SQL from `lines_sql`, which yields the columns of `LINES`.

    `strays`: (system, reason) of exports that belong to no table. `marts_sql` fills the marts of identity and
    revenue, which are empty otherwise.
    """
    release_dir.mkdir(parents=True)
    with duckdb.connect(str(release_dir / "tenure.duckdb")) as connection:
        connection.execute(LINES)
        connection.execute(f"insert into lines {lines_sql}")
        connection.execute(
            "create table run as select ?::date as as_of, (select max(ordered_at) from lines) as data_through, "
            "timestamp '2024-06-20 06:00:00' as created_at",
            [as_of],
        )
        values = {"release_id": RELEASE_ID, "name": CANARY_NAME, "email": CANARY_EMAIL, "min_cell": min_cell}
        for statement in duckdb.extract_statements(MARTS):
            used = {name: value for name, value in values.items() if f"${name}" in statement.query}
            connection.execute(statement, used)
        for source in sources:
            connection.execute(SOURCE_DAYS, asdict(source))
        connection.execute(LOADS)
        for system, reason in strays:
            connection.execute(
                "insert into marts.rpt_source_refusals values (lower($1), $1, null, null, $2)", [system, reason]
            )
        connection.execute(_revenue_tables())
        connection.execute(marts_sql or "select 1")
        line_count, newest = connection.sql("select count(*), max(ordered_at) from lines").fetchall()[0]
    manifest = {
        "release_id": RELEASE_ID,
        "created_at": "2024-06-20T06:00:00+00:00",
        "as_of_date": as_of,
        "data_through": {"files": newest.date().isoformat()} if newest else {},
        "previous_release_id": None,
        "is_changed": True,
        "tables": {name: {"rows": 1, "content_hash": "aa"} for name in MANIFEST_TABLES},
        "content_hash": "c0ffee" * 10,
        "versions": {"tenure": "0.1.0"},
        "loads": {"new": 1, "received": line_count, "loaded": line_count, "quarantined": 0, "superseded": 0},
    }
    gate = {"passed": True, "baseline_release_id": None, "checks": checks or []}
    (release_dir / "manifest.json").write_text(json.dumps(manifest))
    (release_dir / "gate.json").write_text(json.dumps(gate))
    return release_dir


IDENTITY = """
    create or replace table marts.map_source_records (
        entity varchar, source varchar, list_kind varchar, source_record_id varchar, durable_id varchar,
        valid_from_date date, valid_to_date date, is_current boolean
    );
    create or replace table marts.map_id_redirects (entity varchar, durable_id varchar, current_id varchar);
    create or replace table marts.fct_identity_events (
        event_number bigint, entity varchar, durable_id varchar, event varchar, other_id varchar, record_count bigint,
        cause varchar, known_date date
    );
    create or replace table marts.fct_identity_edges (
        entity varchar, record_id_l varchar, record_id_r varchar, rule varchar, tier varchar, confidence double,
        match_weight double, is_kept boolean, reason varchar, valid_from_date date
    );
    create or replace table marts.map_identifiers (
        entity varchar, source varchar, list_kind varchar, source_record_id varchar, record_id varchar,
        id_type varchar, id_value varchar, raw_value varchar, first_seen_at timestamp, last_seen_at timestamp,
        is_demoted boolean, demotion_reason varchar
    );
    create or replace table marts.map_compared_records (
        entity varchar, record_id varchar, source varchar, full_name varchar, first_name varchar, last_name varchar,
        email varchar, phone varchar, domain varchar, authority_number varchar, birth_date varchar, address varchar,
        city varchar, postal_code varchar, region varchar
    );
    create or replace table marts.rpt_demoted_identifiers (
        entity varchar, id_type varchar, id_value varchar, reason varchar, record_count bigint,
        counts_with_name boolean
    );
    create or replace table marts.rpt_identity_review_queue (
        entity varchar, rank bigint, id_l varchar, id_r varchar, record_id_l varchar, record_id_r varchar,
        rule varchar, confidence double, match_weight double, reason varchar, value_at_stake_amount decimal(18, 4),
        currency varchar, value_at_stake_basis varchar, override_row varchar
    );
    create or replace table state.linkage_models (
        kind varchar, model_version integer, trained_date date, record_count bigint, document varchar
    )
"""


@cache
def _revenue_tables() -> str:
    """The marts of revenue, empty, as their contracts declare them."""
    statements = []
    for path in sorted((PROJECT_ROOT / "dbt_project" / "models" / "marts" / "revenue").glob("*.yml")):
        (model,) = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["models"]
        columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
        statements.append(f"create table marts.{model['name']} ({columns});")
    return "".join(statements)


def add_identity(release_dir: Path, statements: str = "") -> None:
    """Give a release of `build_release` the empty tables of identity, and fill them by SQL."""
    with duckdb.connect(str(release_dir / "tenure.duckdb")) as connection:
        connection.execute("create schema if not exists state")
        connection.execute(IDENTITY)
        connection.execute(statements)


def text_of(html: str) -> str:
    """What a reader sees of it, with single spaces."""
    body = re.sub(r"<(style|title)>.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))
