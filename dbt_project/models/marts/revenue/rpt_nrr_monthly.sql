with context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

policy as (

    select policy
    from {{ ref('int_revenue__policies') }}
    where is_active

),

segments as (

    select *
    from {{ ref('int_revenue__customer_segments') }}
    where segment is not null

),

windows as (

    select
        windows.month,
        windows.window_months,
        segments.dimension,
        segments.segment,
        count(*) as start_customer_count,
        count(*) filter (where windows.end_amount > 0) as kept_customer_count,
        sum(windows.start_amount) as start_amount,
        sum(windows.end_amount) as end_amount,
        sum(windows.kept_amount) as kept_amount,
        sum(windows.lowest_amount) as lowest_amount,
        -- Sums of squares, from which the intervals of ratios come: exact, so that no order of rows changes them.
        sum(windows.start_amount * windows.start_amount) as start_squares,
        sum(windows.end_amount * windows.end_amount) as end_squares,
        sum(windows.end_amount * windows.start_amount) as end_products,
        sum(windows.kept_amount * windows.kept_amount) as kept_squares,
        sum(windows.kept_amount * windows.start_amount) as kept_products
    from {{ ref('int_revenue__retention_windows') }} as windows
    inner join segments
        on windows.customer_id = segments.customer_id
    group by windows.month, windows.window_months, segments.dimension, segments.segment

),

rated as (

    select
        *,
        end_amount / nullif(start_amount, 0) as nrr,
        kept_amount / nullif(start_amount, 0) as grr,
        lowest_amount / nullif(start_amount, 0) as strict_grr,
        kept_customer_count / nullif(start_customer_count, 0) as logo_retention_rate
    from windows

)

select
    rated.month,
    cast(rated.window_months as integer) as window_months,
    rated.dimension,
    rated.segment,
    rated.start_customer_count,
    rated.kept_customer_count,
    {{ money('rated.start_amount') }} as start_amount,
    {{ money('rated.end_amount') }} as end_amount,
    {{ money('rated.kept_amount') }} as kept_amount,
    {{ money('rated.lowest_amount') }} as lowest_amount,
    rated.nrr,
    {{ ratio_bound('nrr', 'end', -1) }} as nrr_ci_low,
    {{ ratio_bound('nrr', 'end', 1) }} as nrr_ci_high,
    rated.grr,
    greatest({{ ratio_bound('grr', 'kept', -1) }}, 0) as grr_ci_low,
    least({{ ratio_bound('grr', 'kept', 1) }}, 1) as grr_ci_high,
    rated.strict_grr,
    rated.logo_retention_rate,
    {{ wilson_low('rated.kept_customer_count', 'rated.start_customer_count') }} as logo_ci_low,
    {{ wilson_high('rated.kept_customer_count', 'rated.start_customer_count') }} as logo_ci_high,
    1 - rated.logo_retention_rate as logo_churn_rate,
    rated.month + interval 1 month <= context.as_of_date + interval 1 day as is_complete,
    rated.start_customer_count >= {{ var('min_cohort_size') }} as min_cell_ok,
    policy.policy
from rated
cross join context
cross join policy
