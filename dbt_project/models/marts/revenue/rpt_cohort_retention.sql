-- A level counts at each age from the first that it reaches to the last before it ends: so much more there, so much
-- less after it, and the sum of both up to an age is what is there at that age.
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

customers as (

    select
        customer_id,
        combination_number
    from {{ ref('int_revenue__customer_segments') }}
    where dimension = 'all'

),

segments as (

    select distinct
        combination_number,
        dimension,
        segment
    from {{ ref('int_revenue__customer_segments') }}
    where segment is not null

),

spans as (

    select
        spans.*,
        coalesce(spans.to_date, context.as_of_date + 1) as end_date,
        {{ exact_product('spans.mrr_amount', 'spans.start_rate') }} as amount
    from {{ ref('int_revenue__level_spans') }} as spans
    cross join context
    where spans.mrr_amount > 0

),

presences as (

    select
        presences.* exclude (to_date),
        coalesce(presences.to_date, context.as_of_date + 1) as end_date
    from {{ ref('int_revenue__presences') }} as presences
    cross join context

),

measured as (

    select
        customer_id,
        cohort_month,
        start_date,
        from_date,
        end_date,
        1 as customer_count,
        0 as amount
    from presences
    union all
    select
        customer_id,
        cohort_month,
        start_date,
        from_date,
        end_date,
        0 as customer_count,
        amount
    from spans

),

aged as (

    select
        'calendar' as age_basis,
        customer_id,
        cohort_month,
        date_diff('month', cohort_month, from_date) as first_age,
        -- What still lasts lasts so far to the end of this month.
        if(
            end_date > context.as_of_date,
            date_diff('month', cohort_month, context.as_of_date) + 1,
            date_diff('month', cohort_month, end_date)
        ) as end_age,
        customer_count,
        amount
    from measured
    cross join context
    union all
    select
        'rolling' as age_basis,
        customer_id,
        cohort_month,
        cast(ceil((from_date - start_date) / 30) as bigint) as first_age,
        cast(ceil((end_date - start_date) / 30) as bigint) as end_age,
        customer_count,
        amount
    from measured

),

steps as (

    select
        age_basis,
        customer_id,
        cohort_month,
        first_age as age,
        customer_count,
        amount
    from aged
    where end_age > first_age
    union all
    select
        age_basis,
        customer_id,
        cohort_month,
        end_age as age,
        -customer_count as customer_count,
        -amount as amount
    from aged
    where end_age > first_age

),

combination_sums as (

    select
        steps.age_basis,
        steps.cohort_month,
        customers.combination_number,
        steps.age,
        sum(steps.customer_count) as customer_change,
        sum(steps.amount) as amount_change
    from steps
    inner join customers
        on steps.customer_id = customers.customer_id
    group by steps.age_basis, steps.cohort_month, customers.combination_number, steps.age

),

step_sums as (

    select
        combination_sums.age_basis,
        combination_sums.cohort_month,
        segments.dimension,
        segments.segment,
        combination_sums.age,
        sum(combination_sums.customer_change) as customer_change,
        sum(combination_sums.amount_change) as amount_change
    from combination_sums
    inner join segments
        on combination_sums.combination_number = segments.combination_number
    group by
        combination_sums.age_basis,
        combination_sums.cohort_month,
        segments.dimension,
        segments.segment,
        combination_sums.age

),

combination_cohorts as (

    select
        presences.cohort_month,
        customers.combination_number,
        count(*) filter (where presences.presence_number = 1) as cohort_size,
        max(presences.start_date) as last_start_date
    from presences
    inner join customers
        on presences.customer_id = customers.customer_id
    group by presences.cohort_month, customers.combination_number

),

cohorts as (

    select
        combination_cohorts.cohort_month,
        segments.dimension,
        segments.segment,
        cast(sum(combination_cohorts.cohort_size) as bigint) as cohort_size,
        max(combination_cohorts.last_start_date) as last_start_date
    from combination_cohorts
    inner join segments
        on combination_cohorts.combination_number = segments.combination_number
    group by combination_cohorts.cohort_month, segments.dimension, segments.segment

),

combination_amounts as (

    select
        spans.cohort_month,
        customers.combination_number,
        sum(spans.amount) as initial_amount
    from spans
    inner join customers
        on spans.customer_id = customers.customer_id
    where spans.from_date = spans.start_date
    group by spans.cohort_month, customers.combination_number

),

initial_amounts as (

    select
        combination_amounts.cohort_month,
        segments.dimension,
        segments.segment,
        sum(combination_amounts.initial_amount) as initial_amount
    from combination_amounts
    inner join segments
        on combination_amounts.combination_number = segments.combination_number
    group by combination_amounts.cohort_month, segments.dimension, segments.segment

),

ages as (

    select
        cohorts.*,
        basis.age_basis,
        unnest(range(
            0,
            case basis.age_basis
                when 'calendar' then date_diff('month', cohorts.cohort_month, context.as_of_date) + 1
                else (context.as_of_date - cohorts.cohort_month) // 30 + 1
            end
        )) as age,
        context.as_of_date
    from cohorts
    cross join context
    cross join (values ('calendar'), ('rolling')) as basis (age_basis)

),

cells as (

    select
        ages.*,
        sum(coalesce(step_sums.customer_change, 0)) over cohort_ages as active_customer_count,
        sum(coalesce(step_sums.amount_change, 0)) over cohort_ages as active_amount
    from ages
    left join step_sums
        on
            ages.age_basis = step_sums.age_basis
            and ages.cohort_month = step_sums.cohort_month
            and ages.dimension = step_sums.dimension
            and ages.segment = step_sums.segment
            and ages.age = step_sums.age
    window
        cohort_ages as (
            partition by ages.age_basis, ages.cohort_month, ages.dimension, ages.segment
            order by ages.age
        )

)

select
    cells.age_basis,
    cells.cohort_month,
    cells.dimension,
    cells.segment,
    cast(cells.age as integer) as age,
    cells.cohort_size,
    cast(cells.active_customer_count as bigint) as active_customer_count,
    {{ money('initial_amounts.initial_amount') }} as initial_amount,
    {{ money('cells.active_amount') }} as active_amount,
    cells.active_customer_count / cells.cohort_size as retention_rate,
    {{ wilson_low('cells.active_customer_count', 'cells.cohort_size') }} as ci_low,
    {{ wilson_high('cells.active_customer_count', 'cells.cohort_size') }} as ci_high,
    cells.active_amount / nullif(initial_amounts.initial_amount, 0) as revenue_retention_rate,
    case cells.age_basis
        when 'calendar'
            then cells.cohort_month + to_months(cast(cells.age + 1 as integer)) <= cells.as_of_date + interval 1 day
        else cells.last_start_date + cast(30 * cells.age as integer) <= cells.as_of_date
            and cells.cohort_month + interval 1 month <= cells.as_of_date + interval 1 day
    end as is_complete,
    cells.cohort_size >= {{ var('min_cohort_size') }} as min_cell_ok,
    policy.policy,
    policy.policy_version,
    {{ metric_version('rpt_cohort_retention') }} as metric_version
from cells
cross join policy
inner join initial_amounts
    on
        cells.cohort_month = initial_amounts.cohort_month
        and cells.dimension = initial_amounts.dimension
        and cells.segment = initial_amounts.segment
