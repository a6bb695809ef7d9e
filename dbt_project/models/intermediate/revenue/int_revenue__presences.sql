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

absences as (

    select
        *,
        lead(from_date, 1, date '9999-12-31') over (partition by customer_id order by presence_number) as next_date
    from merged
    qualify to_date is not null

),

-- What is left of a customer on each day on which they don't pay: who is free or paused under the policy stays.
left_over as (

    select
        absences.customer_id,
        absences.presence_number,
        greatest(days.change_date, absences.to_date) as change_date,
        sum(sum(days.alive_change)) over (
            partition by absences.customer_id, absences.presence_number
            order by greatest(days.change_date, absences.to_date)
        ) as alive_count,
        bool_or(days.is_involuntary) filter (where days.change_date >= absences.to_date) as is_involuntary,
        bool_or(days.is_voluntary) filter (where days.change_date >= absences.to_date) as is_voluntary
    from absences
    inner join {{ ref('int_revenue__customer_days') }} as days
        on
            absences.customer_id = days.followed_customer_id
            and absences.next_date > days.change_date
    where days.currency in (select rates.currency from {{ ref('int_revenue__fx_rates') }} as rates)
    group by absences.customer_id, absences.presence_number, greatest(days.change_date, absences.to_date)

),

-- They have left on the day on which nothing is left, for the cause of that day.
endings as (

    select
        customer_id,
        presence_number,
        bool_and(alive_count > 0) as is_kept,
        arg_min(is_involuntary, change_date) filter (where alive_count <= 0) as is_involuntary,
        arg_min(is_voluntary, change_date) filter (where alive_count <= 0) as is_voluntary
    from left_over
    group by customer_id, presence_number

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
