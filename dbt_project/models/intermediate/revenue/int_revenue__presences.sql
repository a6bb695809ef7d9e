-- Spans of days in which a customer, as known today, pays anything at all, in whatever currency.
with spans as (

    select
        customer_id,
        cohort_month,
        start_date,
        from_date,
        coalesce(to_date, date '9999-12-31') as to_date
    from {{ ref('int_revenue__level_spans') }}
    where mrr_amount > 0

),

marked as (

    select
        *,
        coalesce(
            from_date > max(to_date) over (
                partition by customer_id
                order by from_date, to_date
                rows between unbounded preceding and 1 preceding
            ), true
        ) as is_start
    from spans

),

numbered as (

    select
        *,
        count(*) filter (where is_start) over (
            partition by customer_id
            order by from_date, to_date
            rows unbounded preceding
        ) as presence_number
    from marked

),

merged as (

    select
        customer_id,
        presence_number,
        any_value(cohort_month) as cohort_month,
        any_value(start_date) as start_date,
        min(from_date) as from_date,
        nullif(max(to_date), date '9999-12-31') as to_date
    from numbered
    group by customer_id, presence_number

),

endings as (

    select
        merged.customer_id,
        merged.presence_number,
        sum(days.alive_change) > 0 as is_kept,
        bool_or(days.is_involuntary) filter (where days.change_date = merged.to_date) as is_involuntary,
        bool_or(days.is_voluntary) filter (where days.change_date = merged.to_date) as is_voluntary
    from merged
    inner join {{ ref('int_revenue__customer_days') }} as days
        on
            merged.customer_id = days.followed_customer_id
            and merged.to_date >= days.change_date
    group by merged.customer_id, merged.presence_number

)

select
    merged.customer_id,
    cast(merged.presence_number as integer) as presence_number,
    merged.cohort_month,
    merged.start_date,
    merged.from_date,
    merged.to_date,
    case
        when merged.to_date is null then null
        when endings.is_kept then 'suspended'
        when endings.is_involuntary then 'involuntary'
        when endings.is_voluntary then 'voluntary'
        else 'unknown'
    end as end_cause
from merged
left join endings
    on
        merged.customer_id = endings.customer_id
        and merged.presence_number = endings.presence_number
