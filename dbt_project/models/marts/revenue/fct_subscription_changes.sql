{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key='past_customer_id',
        on_schema_change='fail'
    )
}}
{%- set marks = ['plan', 'quantity', 'unit_month_amount'] -%}
with days as (

    select *
    from {{ ref('int_revenue__customer_days') }}
    {{ of_changed('past_customer_id') }}

),

item_days as (

    select
        *,
        {%- for mark in marks %}
            lag({{ mark }}) over item_history as {{ mark }}_before,
        {%- endfor %}
        gross_amount - lag(gross_amount, 1, cast(0 as decimal(18, 4))) over item_history as gross_change
    from {{ ref('int_revenue__item_days') }}
    {% if is_incremental() %}
        where (source, source_subscription_id) in (
                select (days.source, days.source_subscription_id)
                from days
            )
    {% endif %}
    window
        item_history as (
            partition by source, source_subscription_item_id
            order by change_date
        )

),

items as (

    select
        days.*,
        item_days.source_subscription_item_id,
        {%- for mark in marks %}
            item_days.{{ mark }}_before,
            item_days.{{ mark }},
        {%- endfor %}
        item_days.gross_change
    from days
    inner join item_days
        on
            days.source = item_days.source
            and days.source_subscription_id = item_days.source_subscription_id
            and days.effective_date = item_days.change_date
    where days.mrr_change <> 0 and item_days.gross_change <> 0

),

-- What a subscription's items don't explain is its discount's.
sums as (

    select
        source,
        source_subscription_id,
        past_customer_id,
        effective_date,
        sum(gross_change) as gross_change
    from items
    group by source, source_subscription_id, past_customer_id, effective_date

),

discounts as (

    select
        days.*,
        days.mrr_change - coalesce(sums.gross_change, 0) as discount_change
    from days
    left join sums
        on
            days.source = sums.source
            and days.source_subscription_id = sums.source_subscription_id
            and days.past_customer_id = sums.past_customer_id
            and days.effective_date = sums.effective_date
    where days.mrr_change <> 0 and days.mrr_change <> coalesce(sums.gross_change, 0)

),

changes as (

    select
        'item' as cause,
        items.*,
        items.gross_change as amount
    from items
    union all by name
    select
        'discount' as cause,
        discounts.*,
        discounts.discount_change as amount
    from discounts
    union all by name
    select
        'identity' as cause,
        days.*,
        days.scope_change as amount
    from days
    where days.scope_change <> 0

)

select
    customer_id,
    coalesce(customer_id, followed_customer_id) as followed_id,
    past_customer_id,
    currency,
    change_date as movement_date,
    effective_date,
    cause,
    source,
    source_subscription_id,
    source_subscription_item_id,
    plan_before,
    plan,
    {{ money('quantity_before') }} as quantity_before,
    {{ money('quantity') }} as quantity,
    {{ money('unit_month_amount_before') }} as unit_amount_before,
    {{ money('unit_month_amount') }} as unit_amount,
    {{ money('amount') }} as amount,
    load_id
from changes
