{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key='past_customer_id',
        on_schema_change='fail'
    )
}}
with changes as (

    select
        past_customer_id,
        currency,
        change_date,
        arg_max(customer_id, row(abs(mrr_change) + abs(scope_change), customer_id)) as customer_id,
        arg_max(followed_customer_id, row(abs(mrr_change) + abs(scope_change), followed_customer_id))
            as last_customer_id,
        sum(mrr_change) as mrr_change,
        sum(scope_change) as scope_change,
        sum(seats_change) as seats_change,
        sum(price_change) as price_change,
        sum(usage_change) as usage_change,
        -- One item in place of another is another plan; one beside the others is an addition.
        sum(plan_change)
        + if(
            sum(added_change) > 0 and sum(removed_change) < 0, sum(added_change + removed_change), 0
        ) as plan_change,
        if(
            sum(added_change) > 0 and sum(removed_change) < 0, 0, sum(added_change + removed_change)
        ) as addon_change,
        sum(alive_change) as alive_change,
        bool_or(is_involuntary) as is_involuntary,
        bool_or(is_voluntary) as is_voluntary,
        max(cancel_requested_date) as cancel_requested_date,
        max(load_id) as load_id
    from {{ ref('int_revenue__customer_days') }}
    {{ of_changed('past_customer_id') }}
    group by past_customer_id, currency, change_date

),

-- A customer is lost, or comes back, over all currencies.
totals as (

    select
        past_customer_id,
        change_date,
        sum(mrr_change) as total_change,
        sum(mrr_change + scope_change) as whole_change,
        sum(alive_change) as alive_change
    from changes
    group by past_customer_id, change_date

),

histories as (

    select
        *,
        sum(whole_change) over customer_history as total_after,
        sum(alive_change) over customer_history > 0 as is_alive_after,
        coalesce(sum(alive_change) over earlier > 0, false) as is_alive_before
    from totals
    window
        customer_history as (partition by past_customer_id order by change_date),
        earlier as (partition by past_customer_id order by change_date rows between unbounded preceding and 1 preceding)

),

judged as (

    select
        *,
        total_after - total_change as total_before,
        -- Whoever takes over what another paid has paid before.
        coalesce(max(greatest(total_after, total_after - total_change)) over earlier > 0, false) as has_paid,
        max(change_date) filter (where total_after = 0) over earlier as unpaid_since_date
    from histories
    window
        earlier as (partition by past_customer_id order by change_date rows between unbounded preceding and 1 preceding)

),

moved as (

    select
        changes.*,
        judged.unpaid_since_date,
        changes.mrr_change
        - changes.seats_change
        - changes.price_change
        - changes.plan_change
        - changes.usage_change
        - changes.addon_change as discount_change,
        {{ money(
            'sum(changes.mrr_change + changes.scope_change) over '
            ~ '(partition by changes.past_customer_id, changes.currency order by changes.change_date)'
        ) }} as mrr_after,
        case
            when judged.total_before = 0 and judged.total_after > 0 and not judged.has_paid then 'new'
            when judged.total_before = 0 and judged.total_after > 0 and judged.is_alive_before then 'expansion'
            when judged.total_before = 0 and judged.total_after > 0 then 'reactivation'
            when judged.total_after = 0 and not judged.is_alive_after then 'churn'
            when changes.mrr_change > 0 then 'expansion'
            else 'contraction'
        end as movement
    from changes
    inner join judged
        on
            changes.past_customer_id = judged.past_customer_id
            and changes.change_date = judged.change_date

),

movements as (

    select
        past_customer_id,
        customer_id,
        coalesce(customer_id, last_customer_id) as followed_id,
        currency,
        change_date as movement_date,
        movement,
        case movement
            when 'churn'
                then case when is_involuntary then 'involuntary' when is_voluntary then 'voluntary' else 'unknown' end
            when 'expansion'
                then case greatest(seats_change, price_change, plan_change, usage_change, addon_change, discount_change)
                        when seats_change then 'seats'
                        when price_change then 'price'
                        when plan_change then 'plan'
                        when usage_change then 'usage'
                        when addon_change then 'addon'
                        else 'discount_expiry'
                    end
            when 'contraction'
                then case least(seats_change, price_change, plan_change, usage_change, addon_change, discount_change)
                        when seats_change then 'seats'
                        when price_change then 'price'
                        when plan_change then 'plan'
                        when usage_change then 'usage'
                        when addon_change then 'addon'
                        else 'discount_start'
                    end
        end as reason,
        mrr_change as amount,
        if(movement in ('expansion', 'contraction'), seats_change, 0) as seats_amount,
        if(movement in ('expansion', 'contraction'), price_change, 0) as price_amount,
        if(movement in ('expansion', 'contraction'), plan_change, 0) as plan_amount,
        if(movement in ('expansion', 'contraction'), usage_change, 0) as usage_amount,
        if(movement in ('expansion', 'contraction'), addon_change, 0) as addon_amount,
        if(movement in ('expansion', 'contraction'), discount_change, 0) as discount_amount,
        {{ money('mrr_after - mrr_change') }} as mrr_before_amount,
        mrr_after as mrr_after_amount,
        case when movement = 'reactivation' then change_date - unpaid_since_date end as gap_days,
        case when movement = 'churn' then cancel_requested_date end as cancel_requested_date,
        load_id
    from moved
    where mrr_change <> 0
    union all by name
    select
        past_customer_id,
        customer_id,
        coalesce(customer_id, last_customer_id) as followed_id,
        currency,
        change_date as movement_date,
        'scope_change' as movement,
        'identity' as reason,
        scope_change as amount,
        {{ money('mrr_after - mrr_change - scope_change') }} as mrr_before_amount,
        {{ money('mrr_after - mrr_change') }} as mrr_after_amount,
        load_id
    from moved
    where scope_change <> 0

),

rates as (

    select *
    from {{ ref('int_revenue__fx_rates') }}

),

rate_changes as (

    select
        rate_month,
        currency,
        reporting_currency,
        rate,
        lag(rate) over (partition by currency order by rate_month) as rate_before
    from rates
    qualify rate <> rate_before

),

levels as (

    select
        past_customer_id,
        any_value(customer_id) as customer_id,
        any_value(followed_id) as followed_id,
        currency,
        movement_date,
        max_by(mrr_after_amount, movement <> 'scope_change') as mrr_amount
    from movements
    where currency in (select rate_changes.currency from rate_changes)
    group by past_customer_id, currency, movement_date

),

spans as (

    select
        *,
        lead(movement_date, 1, date '9999-12-31') over (
            partition by past_customer_id, currency
            order by movement_date
        ) as next_date
    from levels

),

-- What stays the same while its rate changes.
fx as (

    select
        spans.past_customer_id,
        spans.customer_id,
        spans.followed_id,
        spans.currency,
        rate_changes.rate_month as movement_date,
        'fx' as movement,
        'rate' as reason,
        0 as amount,
        spans.mrr_amount as mrr_before_amount,
        spans.mrr_amount as mrr_after_amount,
        rate_changes.reporting_currency,
        rate_changes.rate_before,
        rate_changes.rate as rate_after
    from spans
    inner join rate_changes
        on
            spans.currency = rate_changes.currency
            and spans.movement_date < rate_changes.rate_month
            and spans.next_date >= rate_changes.rate_month
    where spans.mrr_amount > 0

),

valued as (

    select
        movements.*,
        rates.reporting_currency,
        rates.rate as rate_before,
        rates.rate as rate_after
    from movements
    left join rates
        on
            movements.currency = rates.currency
            and date_trunc('month', movements.movement_date) = rates.rate_month
    union all by name
    select *
    from fx

)

-- Differences of rounded levels, so that they sum to the rounded level.
select
    valued.customer_id,
    valued.followed_id,
    valued.past_customer_id,
    valued.currency,
    valued.movement_date,
    cast(date_trunc('month', valued.movement_date) as date) as movement_month,
    valued.movement,
    valued.reason,
    {{ money('amount') }} as amount,
    {{ money('coalesce(seats_amount, 0)') }} as seats_amount,
    {{ money('coalesce(price_amount, 0)') }} as price_amount,
    {{ money('coalesce(plan_amount, 0)') }} as plan_amount,
    {{ money('coalesce(usage_amount, 0)') }} as usage_amount,
    {{ money('coalesce(addon_amount, 0)') }} as addon_amount,
    {{ money('coalesce(discount_amount, 0)') }} as discount_amount,
    {{ money('mrr_before_amount') }} as mrr_before_amount,
    {{ money('mrr_after_amount') }} as mrr_after_amount,
    valued.reporting_currency,
    {{ money(
        money_at_rate('mrr_after_amount', 'rate_after') ~ ' - ' ~ money_at_rate('mrr_before_amount', 'rate_before')
    ) }} as reporting_amount,
    {{ money_at_rate('mrr_after_amount', 'rate_after') }} as reporting_mrr_after_amount,
    cast(valued.gap_days as integer) as gap_days,
    valued.cancel_requested_date,
    valued.load_id
from valued
