{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key=['source', 'source_subscription_id'],
        on_schema_change='fail'
    )
}}
-- A subscription's MRR by the end of each day on which it may have changed, and what of the change is owed to what.
with item_days as (

    select
        *,
        lag(quantity) over item_history as quantity_before,
        lag(unit_month_amount) over item_history as unit_before,
        lag(plan) over item_history as plan_before,
        lag(is_alive, 1, false) over item_history as was_alive,
        lag(state = 'paying', 1, false) over item_history as was_paying,
        lag(state in ('paying', 'suspended'), 1, false) over item_history as was_running,
        lag(gross_amount, 1, cast(0 as decimal(18, 4))) over item_history as gross_before
    from {{ ref('int_revenue__item_days') }}
    {{ of_changed('source, source_subscription_id') }}
    window
        item_history as (
            partition by source, source_subscription_item_id
            order by change_date
        )

),

-- Units at the old price, then the price at the new units: both sum to the change.
item_changes as (

    select
        *,
        cast(is_alive as integer) - cast(was_alive as integer) as alive_change,
        cast(state in ('paying', 'suspended') as integer) - cast(was_running as integer) as running_change,
        cast(state = 'paying' as integer) - cast(was_paying as integer) as paying_change,
        gross_amount - gross_before as gross_change,
        is_metered and was_paying and state = 'paying' as is_usage,
        -- An item of no units is still there.
        was_paying
        and state = 'paying'
        and not is_metered
        and (quantity = 0 or quantity_before = 0)
        and gross_change <> 0 as is_resized,
        case
            when is_resized then gross_change
            when gross_before > 0 and gross_amount > 0
                then {{ money('(quantity - quantity_before) * cast(unit_before as double)') }}
            else 0
        end as seats_change,
        gross_before > 0 and gross_amount > 0 and coalesce(plan, '') <> coalesce(plan_before, '') as is_other_plan
    from item_days

),

changes as (

    select
        source,
        source_subscription_id,
        change_date,
        max_by(source_customer_id, change_date) as source_customer_id,
        max(currency) as currency,
        sum(gross_change) as gross_change,
        sum(seats_change) as seats_change,
        sum(gross_change) filter (where is_usage) as usage_change,
        sum(gross_change - seats_change) filter (
            where gross_before > 0 and gross_amount > 0 and not is_other_plan and not is_usage
        ) as price_change,
        sum(gross_change - seats_change) filter (where is_other_plan and not is_usage) as plan_change,
        sum(gross_change) filter (where gross_before = 0 and not is_usage and not is_resized) as added_change,
        sum(gross_change) filter (where gross_amount = 0 and not is_usage and not is_resized) as removed_change,
        max(discount_rate) as discount_rate,
        max(discount_amount) as discount_amount,
        sum(alive_change) as alive_change,
        sum(running_change) as running_change,
        sum(paying_change) as paying_change,
        bool_or(state = 'given_up') as is_given_up,
        max(cancellation_reason) as cancellation_reason,
        max(cancel_requested_date) as cancel_requested_date,
        max(load_id) as load_id
    from item_changes
    group by source, source_subscription_id, change_date

),

totals as (

    select
        *,
        {{ money('sum(gross_change) over subscription_history') }} as gross_amount,
        sum(alive_change) over subscription_history > 0 as is_alive,
        sum(running_change) over subscription_history > 0 as is_running,
        sum(running_change) over subscription_history > running_change as was_running,
        sum(paying_change) over subscription_history > 0 as is_paying,
        lead(change_date, 1, date '9999-12-31') over subscription_history as next_date
    from changes
    window
        subscription_history as (
            partition by source, source_subscription_id
            order by change_date
        )

)

select
    source,
    source_subscription_id,
    change_date,
    next_date,
    source_customer_id,
    currency,
    gross_amount,
    -- A discount never makes a subscription cost less than nothing.
    {{ money('greatest(gross_amount * (1 - discount_rate) - discount_amount, 0)') }} as mrr_amount,
    discount_rate,
    discount_amount,
    {{ money('seats_change') }} as seats_change,
    {{ money('coalesce(price_change, 0)') }} as price_change,
    {{ money('coalesce(plan_change, 0)') }} as plan_change,
    {{ money('coalesce(usage_change, 0)') }} as usage_change,
    {{ money('coalesce(added_change, 0)') }} as added_change,
    {{ money('coalesce(removed_change, 0)') }} as removed_change,
    is_alive,
    is_running,
    was_running,
    is_paying,
    is_given_up,
    cancellation_reason,
    cancel_requested_date,
    load_id
from totals
