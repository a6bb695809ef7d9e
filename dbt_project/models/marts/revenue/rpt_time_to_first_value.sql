with times as (

    select *
    from {{ ref('int_revenue__first_value_times') }}

),

-- A plan's steps in the order in which they are due, or else as many come to them.
step_days as (

    select
        lower(milestones.milestone) as criterion,
        median(milestones.due_date - cast(milestones.created_at as date)) as due_days
    from {{ ref('int_success__milestones') }} as milestones
    inner join {{ ref('int_run__context') }} as context
        on cast(milestones.created_at as date) <= context.as_of_date
    group by lower(milestones.milestone)

),

steps as (

    select
        times.criterion,
        row_number() over (
            order by step_days.due_days asc nulls last, times.reached_count desc, times.criterion asc
        ) as step_number
    from times
    left join step_days
        on times.criterion = step_days.criterion
    where times.clock = 'contract_start' and times.dimension = 'all'

)

select
    times.clock,
    times.criterion,
    times.dimension,
    times.segment,
    cast(if(times.clock = 'contract_start', steps.step_number, null) as integer) as step_number,
    {{ is_first_value('times') }} as is_first_value,
    times.start_count,
    times.reached_count,
    times.start_count - times.reached_count as open_count,
    times.reached_count / times.start_count as reached_rate,
    {{ wilson_low('times.reached_count', 'times.start_count') }} as reached_ci_low,
    {{ wilson_high('times.reached_count', 'times.start_count') }} as reached_ci_high,
    round(times.p25_days, 6) as p25_days,
    round(times.median_days, 6) as median_days,
    round(times.median_ci_low, 6) as median_ci_low_days,
    round(times.median_ci_high, 6) as median_ci_high_days,
    round(times.p75_days, 6) as p75_days,
    round(times.p90_days, 6) as p90_days,
    round(times.due_share, 9) as in_time_rate,
    round(times.due_ci_low, 9) as in_time_ci_low,
    round(times.due_ci_high, 9) as in_time_ci_high,
    times.due_count,
    times.missed_count,
    times.missed_count / nullif(times.due_count, 0) as miss_rate,
    {{ wilson_low('times.missed_count', 'times.due_count') }} as miss_ci_low,
    {{ wilson_high('times.missed_count', 'times.due_count') }} as miss_ci_high,
    cast({{ var('first_value_days') }} as integer) as due_days,
    times.due_count = times.start_count as is_complete,
    times.start_count >= {{ var('min_cohort_size') }} as min_cell_ok,
    if(times.clock = 'contract_start', policies.policy, null) as policy,
    if(times.clock = 'contract_start', policies.policy_version, null) as policy_version,
    {{ metric_version('rpt_time_to_first_value') }} as metric_version
from times
inner join {{ ref('int_revenue__policies') }} as policies
    on policies.is_active
left join steps
    on times.criterion = steps.criterion
