"""What customers are worth over a lifetime, by formula and group; see `analytics.lifetime_value`."""

import polars as pl

from analytics.lifetime_value import Assumptions, predicted_values, subscription_values, transaction_values
from analytics.repeat_purchase import Gate


def model(dbt, session):
    """One row per formula, dimension and segment; without customers, none."""
    dbt.config(materialized="table")
    assumptions = Assumptions(
        margin_rate=float(dbt.config.get("gross_margin_rate")),
        discount_rate=float(dbt.config.get("discount_rate")),
        dormant_days=int(dbt.config.get("dormant_days")),
        gate=Gate(
            min_customers=int(dbt.config.get("prediction_min_customers")),
            min_history_days=int(dbt.config.get("prediction_min_history_days")),
            max_days_since_order=int(dbt.config.get("prediction_max_days_since_order")),
            loyal_orders=int(dbt.config.get("prediction_loyal_orders")),
        ),
    )
    as_of = dbt.ref("int_run__context").project("as_of_date").fetchone()[0]
    until = as_of or "0001-01-01"
    month = f"date_trunc('month', date '{until}')"
    rates = dbt.ref("int_revenue__fx_rates").filter(f"rate_month = {month}").project("currency, rate")
    levels = (
        dbt.ref("int_revenue__level_spans")
        .filter("to_date is null and mrr_amount > 0")
        .join(rates, "currency")
        .aggregate(
            "customer_id, cast(sum(mrr_amount::decimal(38, 4) * rate) as double) as monthly_amount", "customer_id"
        )
        .pl()
    )
    orders = (
        dbt.ref("int_commerce__orders")
        .filter(f"customer_id is not null and order_date <= date '{until}'")
        .project("customer_id, country, currency, order_date as ordered_on, net_amount")
        .pl()
    )
    [currency] = dbt.ref("int_revenue__fx_rates").aggregate("min(reporting_currency)").fetchone()
    subscribed = subscription_values(
        dbt.ref("int_revenue__watched_presences").filter("presence_number = 1").pl(),
        levels.with_columns(currency=pl.lit(currency, pl.String)),
        dbt.ref("int_revenue__customer_segments").pl(),
        as_of,
        assumptions,
    )
    return pl.concat(
        [subscribed, transaction_values(orders, as_of, assumptions), predicted_values(orders, as_of, assumptions)]
    )
