-- Each invoice line in the month of its invoice, and in each whose end its period covers.
with policy as (

    select *
    from {{ ref('int_revenue__policies') }}
    where is_active

),

context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

-- The first holds for what was invoiced before it, too.
states as (

    select
        source,
        source_subscription_id,
        source_subscription_item_id,
        billing_interval,
        interval_count,
        item_ended_at,
        if(
            valid_from_at = min(valid_from_at) over (partition by source, source_subscription_id),
            timestamp '0001-01-01', valid_from_at
        ) as valid_from_at,
        coalesce(valid_to_at, timestamp '9999-12-31') as valid_to_at
    from {{ ref('int_revenue__item_states') }}

),

subscriptions as (

    select distinct
        source,
        source_subscription_id
    from states

),

-- A file may tell a period's last day in place of the day after it, on which the next one begins: the day by which most
-- of a subscription's periods follow one another.
file_periods as (

    select distinct
        source,
        source_subscription_id,
        period_start_at,
        period_end_at
    from {{ ref('int_billing__invoice_lines') }}
    where billing_interval is null and period_end_at > period_start_at and net_amount >= 0 and invoice_status <> 'void'

),

ways_of_telling as (

    select
        periods.source,
        periods.source_subscription_id,
        count(*) filter (where nexts.period_start_at = periods.period_end_at)
        > count(*) filter (where nexts.period_start_at > periods.period_end_at) as is_end_day_after
    from file_periods as periods
    inner join file_periods as nexts
        on
            periods.source = nexts.source
            and periods.source_subscription_id = nexts.source_subscription_id
            and periods.period_end_at <= nexts.period_start_at
            and periods.period_end_at + interval 1 day >= nexts.period_start_at
    group by periods.source, periods.source_subscription_id

),

invoice_lines as (

    select
        lines.* exclude (period_start_at, period_end_at),
        coalesce(ways_of_telling.is_end_day_after, false) as is_end_day_after,
        coalesce(lines.period_start_at, lines.issued_at) as period_start_at,
        date_sub('month', lines.period_start_at, lines.period_end_at + interval 1 day) as whole_months,
        if(
            lines.billing_interval is null
            and not coalesce(ways_of_telling.is_end_day_after, false)
            and whole_months > 0
            and lines.period_start_at + to_months(cast(whole_months as integer)) = lines.period_end_at + interval 1 day,
            lines.period_end_at + interval 1 day, lines.period_end_at
        ) as period_end_at
    from {{ ref('int_billing__invoice_lines') }} as lines
    left join ways_of_telling
        on
            lines.source = ways_of_telling.source
            and lines.source_subscription_id = ways_of_telling.source_subscription_id
    where lines.issued_at is not null

),

-- A line that says no interval is of its item, or else of any that its subscription has then: the longest interval that
-- its period holds, or else the shortest.
line_intervals as (

    select
        lines.source,
        lines.source_invoice_line_id,
        states.billing_interval,
        states.interval_count,
        {{ interval_end('lines.period_start_at', 'states.billing_interval', 'states.interval_count') }}
            as interval_ends_at,
        coalesce(
            interval_ends_at <= lines.period_end_at + to_days(if(lines.is_end_day_after, 0, 1)), true
        ) as is_held
    from invoice_lines as lines
    inner join states
        on
            lines.source = states.source
            and lines.source_subscription_id = states.source_subscription_id
            and lines.period_start_at >= states.valid_from_at
            and lines.period_start_at < states.valid_to_at
    where lines.billing_interval is null
    qualify
        row_number() over (
            partition by lines.source, lines.source_invoice_line_id
            order by
                coalesce(lines.source_subscription_item_id = states.source_subscription_item_id, false) desc,
                coalesce(states.item_ended_at > lines.period_start_at, true) desc,
                is_held desc,
                if(is_held, interval_ends_at, null) desc,
                interval_ends_at asc,
                states.billing_interval asc
        ) = 1

),

-- One of a longer period pays for its whole months; without a period it pays for the interval from its issue on.
lines as (

    select
        lines.* exclude (billing_interval, interval_count, whole_months, is_end_day_after),
        lines.period_end_at > line_intervals.interval_ends_at
        and lines.period_start_at + to_months(cast(lines.whole_months as integer)) >= lines.period_end_at as is_longer,
        if(is_longer, 'month', coalesce(lines.billing_interval, line_intervals.billing_interval)) as billing_interval,
        if(is_longer, lines.whole_months, coalesce(
            if(lines.billing_interval is null, line_intervals.interval_count, lines.interval_count), 1
        )) as interval_count,
        cast(date_trunc('month', timezone(policy.time_zone, timezone('UTC', lines.issued_at))) as date) as month,
        case
            when lines.invoice_status = 'void' then 'void'
            when lines.usage_type = 'metered' then 'usage'
            when lines.is_proration then 'proration'
            when lines.net_amount < 0 then 'credit'
            when lines.source_subscription_id is null then 'one_off'
            when lines.source_price_id is not null and lines.billing_interval is null then 'one_off'
            when subscriptions.source_subscription_id is null then 'no_subscription'
            -- A file doesn't mark what makes up for a change: it pays for less than an interval.
            when not line_intervals.is_held then 'proration'
        end as line_reason
    from invoice_lines as lines
    cross join policy
    left join subscriptions
        on
            lines.source = subscriptions.source
            and lines.source_subscription_id = subscriptions.source_subscription_id
    left join line_intervals
        on
            lines.source = line_intervals.source
            and lines.source_invoice_line_id = line_intervals.source_invoice_line_id

),

periods as (

    select
        lines.* replace (
            coalesce(
                period_end_at,
                {{ interval_end('period_start_at', 'billing_interval', 'interval_count') }}
            ) as period_end_at
        ),
        {{ monthly_amount('line_amount') }} as month_amount,
        {{ monthly_amount('discount_amount') }} as month_discount_amount,
        case
            when line_reason is not null then line_reason
            when {{ interval_months('billing_interval', 'interval_count') }} > 1 then 'prepayment'
            else 'period'
        end as reason
    from lines

),

-- Of the periods of one contract, [start, end), at most one covers a month's end.
covering_lines as (

    select
        periods.*,
        cast(unnest(generate_series(
            date_trunc('month', timezone(policy.time_zone, timezone('UTC', periods.period_start_at))),
            date_trunc(
                'month',
                least(
                    timezone(policy.time_zone, timezone('UTC', periods.period_end_at)),
                    context.as_of_date + interval 1 day
                )
            ) - interval 1 month,
            interval 1 month
        )) as date) as covered_month
    from periods
    cross join policy
    cross join context
    where
        periods.period_end_at > periods.period_start_at
        and periods.reason in ('prepayment', 'period', 'void', 'proration')

),

shares as (

    select
        *,
        net_amount as issued_amount
    from periods
    union all by name
    select
        * replace (covered_month as month),
        true as is_covering
    from covering_lines

)

select
    source,
    source_invoice_line_id,
    source_invoice_id,
    source_customer_id,
    source_subscription_id,
    source_subscription_item_id,
    currency,
    month,
    reason,
    period_start_at,
    coalesce(bool_or(is_covering), false) as is_covering,
    {{ money('coalesce(sum(issued_amount), 0)') }} as issued_amount,
    {{ money('coalesce(sum(month_amount) filter (where is_covering), 0)') }} as month_amount,
    {{ money('coalesce(sum(month_discount_amount) filter (where is_covering), 0)') }} as month_discount_amount,
    bool_or(discount_amount is null) as is_discount_untold
from shares
group by
    source,
    source_invoice_line_id,
    source_invoice_id,
    source_customer_id,
    source_subscription_id,
    source_subscription_item_id,
    currency,
    month,
    reason,
    period_start_at
