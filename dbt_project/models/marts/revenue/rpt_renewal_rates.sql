with context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

policy as (

    select
        policy,
        policy_version
    from {{ ref('int_revenue__policies') }}
    where is_active

),

-- What is in a currency without a rate is in no total.
renewals as (

    select
        renewals.*,
        coalesce(renewals.customer_id, renewals.renewal_id) as party_id,
        renewals.due_date > context.as_of_date as is_upcoming
    from {{ ref('fct_renewals') }} as renewals
    cross join context
    where renewals.reporting_currency is not null

),

grouped as (

    select
        renewals.*,
        'all' as dimension,
        'all' as group_name
    from renewals
    union all by name
    select
        renewals.*,
        'renewal' as dimension,
        if(renewals.is_auto_renewing, 'automatic', 'invoiced') as group_name
    from renewals
    where renewals.is_auto_renewing is not null
    union all by name
    select
        renewals.*,
        segments.dimension,
        segments.segment as group_name
    from renewals
    inner join {{ ref('int_revenue__customer_segments') }} as segments
        on
            renewals.customer_id = segments.customer_id
            and segments.segment is not null
            and segments.dimension <> 'all'

),

-- Months up to the as-of date with all windows, those that come by themselves.
months as (

    select
        cast(unnest(range(
            cast(min(renewals.due_month) as timestamp), max(renewals.due_month) + interval 1 month, interval 1 month
        )) as date) as due_month
    from renewals

),

sizes as (

    select unnest({{ var('retention_window_months') }}) as window_months

),

first_months as (

    select min(due_month) as due_month
    from months

),

-- A window that begins before the first renewal would seem longer than it is.
windows as (

    select
        months.due_month,
        sizes.window_months
    from months
    cross join context
    cross join sizes
    cross join first_months
    where
        sizes.window_months = 1
        or (
            months.due_month <= context.as_of_date
            and months.due_month - to_months(cast(sizes.window_months - 1 as integer)) >= first_months.due_month
        )

),

-- A customer's renewals are decided together: one of them kept is a customer kept.
customers as (

    select
        windows.due_month,
        windows.window_months,
        grouped.dimension,
        grouped.group_name as segment,
        grouped.party_id,
        bool_or(not grouped.is_upcoming) as is_due,
        bool_or(not grouped.is_upcoming and grouped.state in ('renewed', 'early', 'late')) as is_renewed,
        count(*) filter (where not grouped.is_upcoming) as due_count,
        count(*) filter (where not grouped.is_upcoming and grouped.state = 'renewed') as on_time_count,
        count(*) filter (where not grouped.is_upcoming and grouped.state = 'early') as early_count,
        count(*) filter (where not grouped.is_upcoming and grouped.state = 'late') as late_count,
        count(*) filter (where not grouped.is_upcoming and grouped.state = 'pending') as pending_count,
        count(*) filter (where not grouped.is_upcoming and grouped.state = 'lost') as lost_count,
        count(*) filter (where grouped.is_upcoming) as upcoming_count,
        coalesce(sum(grouped.reporting_due_amount) filter (where not grouped.is_upcoming), 0) as due_amount,
        coalesce(sum(grouped.reporting_renewed_amount) filter (where not grouped.is_upcoming), 0) as renewed_amount,
        coalesce(sum(grouped.reporting_kept_amount) filter (where not grouped.is_upcoming), 0) as kept_amount,
        coalesce(sum(grouped.reporting_upsell_amount) filter (where not grouped.is_upcoming), 0) as upsell_amount,
        coalesce(sum(grouped.reporting_due_amount) filter (where grouped.state = 'pending'), 0) as pending_amount,
        coalesce(sum(grouped.reporting_due_amount) filter (where grouped.is_upcoming), 0) as upcoming_amount
    from windows
    inner join grouped
        on
            windows.due_month >= grouped.due_month
            and windows.due_month - to_months(cast(windows.window_months as integer)) < grouped.due_month
    group by windows.due_month, windows.window_months, grouped.dimension, grouped.group_name, grouped.party_id

),

totals as (

    select
        due_month,
        window_months,
        dimension,
        segment,
        count(*) filter (where is_due) as start_customer_count,
        count(*) filter (where is_renewed) as renewed_customer_count,
        sum(due_count) as due_count,
        sum(on_time_count) as on_time_count,
        sum(early_count) as early_count,
        sum(late_count) as late_count,
        sum(pending_count) as pending_count,
        sum(lost_count) as lost_count,
        sum(upcoming_count) as upcoming_count,
        sum(due_amount) as start_amount,
        sum(renewed_amount) as renewed_amount,
        sum(kept_amount) as kept_amount,
        sum(upsell_amount) as upsell_amount,
        sum(pending_amount) as pending_amount,
        sum(upcoming_amount) as upcoming_amount,
        sum(due_amount * due_amount) as start_squares,
        sum(renewed_amount * renewed_amount) as renewed_squares,
        sum(renewed_amount * due_amount) as renewed_products,
        sum(kept_amount * kept_amount) as kept_squares,
        sum(kept_amount * due_amount) as kept_products
    from customers
    group by due_month, window_months, dimension, segment

),

rated as (

    select
        *,
        kept_amount / nullif(start_amount, 0) as gross_renewal_rate,
        renewed_amount / nullif(start_amount, 0) as net_renewal_rate,
        renewed_customer_count / nullif(start_customer_count, 0) as logo_renewal_rate
    from totals

)

select
    rated.due_month,
    cast(rated.window_months as integer) as window_months,
    rated.dimension,
    rated.segment,
    rated.start_customer_count as due_customer_count,
    rated.renewed_customer_count,
    cast(rated.due_count as bigint) as due_count,
    cast(rated.on_time_count as bigint) as on_time_count,
    cast(rated.early_count as bigint) as early_count,
    cast(rated.late_count as bigint) as late_count,
    cast(rated.pending_count as bigint) as pending_count,
    cast(rated.lost_count as bigint) as lost_count,
    cast(rated.upcoming_count as bigint) as upcoming_count,
    {{ money('rated.start_amount') }} as due_amount,
    {{ money('rated.kept_amount') }} as kept_amount,
    {{ money('rated.renewed_amount') }} as renewed_amount,
    {{ money('rated.upsell_amount') }} as upsell_amount,
    {{ money('rated.pending_amount') }} as pending_amount,
    {{ money('rated.upcoming_amount') }} as upcoming_amount,
    rated.gross_renewal_rate,
    {{ ratio_low('gross_renewal_rate', 'kept') }} as gross_ci_low,
    {{ ratio_high('gross_renewal_rate', 'kept', most=1) }} as gross_ci_high,
    rated.net_renewal_rate,
    {{ ratio_low('net_renewal_rate', 'renewed') }} as net_ci_low,
    {{ ratio_high('net_renewal_rate', 'renewed') }} as net_ci_high,
    rated.logo_renewal_rate,
    {{ wilson_low('rated.renewed_customer_count', 'rated.start_customer_count') }} as logo_ci_low,
    {{ wilson_high('rated.renewed_customer_count', 'rated.start_customer_count') }} as logo_ci_high,
    rated.due_month + interval 1 month <= context.as_of_date + interval 1 day and rated.pending_count = 0
        as is_complete,
    rated.start_customer_count >= {{ var('min_cohort_size') }} as min_cell_ok,
    policy.policy,
    policy.policy_version,
    {{ metric_version('rpt_renewal_rates') }} as metric_version
from rated
cross join context
cross join policy
