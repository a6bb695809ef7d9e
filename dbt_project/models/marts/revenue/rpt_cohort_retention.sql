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
        {{ exact_product('spans.mrr_amount', 'spans.start_rate') }} as amount,
        {{ money_at_rate('spans.mrr_amount', 'spans.start_rate') }} as money_amount
    from {{ ref('int_revenue__level_spans') }} as spans
    cross join context
    where spans.mrr_amount > 0

),

-- A customer of several currencies is one, whose amounts are summed before they are squared.
initials as (

    select
        customer_id,
        any_value(cohort_month) as cohort_month,
        sum(amount) as amount,
        sum(money_amount) as money_amount
    from spans
    where from_date = start_date
    group by customer_id

),

several as (

    select customer_id
    from spans
    group by customer_id
    having min(currency) <> max(currency)

),

several_days as (

    select distinct
        spans.customer_id,
        unnest([spans.from_date, spans.end_date]) as change_date
    from spans
    semi join several
        on spans.customer_id = several.customer_id

),

several_levels as (

    select
        several_days.customer_id,
        several_days.change_date as from_date,
        lead(several_days.change_date) over (
            partition by several_days.customer_id
            order by several_days.change_date
        ) as end_date,
        any_value(spans.cohort_month) as cohort_month,
        any_value(spans.start_date) as start_date,
        sum(spans.money_amount) as money_amount
    from several_days
    left join spans
        on
            several_days.customer_id = spans.customer_id
            and several_days.change_date >= spans.from_date
            and several_days.change_date < spans.end_date
    group by several_days.customer_id, several_days.change_date

),

squared as (

    select
        spans.customer_id,
        spans.cohort_month,
        spans.start_date,
        spans.from_date,
        spans.end_date,
        spans.amount,
        if(several.customer_id is null, spans.money_amount, 0) as money_amount
    from spans
    left join several
        on spans.customer_id = several.customer_id
    union all by name
    select
        *,
        0 as amount
    from several_levels
    where money_amount is not null

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
        customers.combination_number,
        presences.cohort_month,
        presences.start_date,
        presences.from_date,
        presences.end_date,
        1 as customer_count,
        0 as amount,
        0 as active_squares,
        0 as active_products
    from presences
    inner join customers
        on presences.customer_id = customers.customer_id
    union all
    select
        customers.combination_number,
        squared.cohort_month,
        squared.start_date,
        squared.from_date,
        squared.end_date,
        0 as customer_count,
        squared.amount,
        -- For the interval of the revenue that stays.
        {{ exact_product('squared.money_amount', 'squared.money_amount') }} as active_squares,
        {{ exact_product('squared.money_amount', 'coalesce(initials.money_amount, 0)') }} as active_products
    from squared
    inner join customers
        on squared.customer_id = customers.customer_id
    left join initials
        on squared.customer_id = initials.customer_id

),

aged as (

    select
        'calendar' as age_basis,
        combination_number,
        cohort_month,
        date_diff('month', cohort_month, from_date) as first_age,
        -- What still lasts lasts so far to the end of this month.
        if(
            end_date > context.as_of_date,
            date_diff('month', cohort_month, context.as_of_date) + 1,
            date_diff('month', cohort_month, end_date)
        ) as end_age,
        customer_count,
        amount,
        active_squares,
        active_products
    from measured
    cross join context
    union all
    select
        'rolling' as age_basis,
        combination_number,
        cohort_month,
        cast(ceil((from_date - start_date) / 30) as bigint) as first_age,
        cast(ceil((end_date - start_date) / 30) as bigint) as end_age,
        customer_count,
        amount,
        active_squares,
        active_products
    from measured

),

steps as (

    select
        age_basis,
        combination_number,
        cohort_month,
        first_age as age,
        customer_count,
        amount,
        active_squares,
        active_products
    from aged
    where end_age > first_age
    union all
    select
        age_basis,
        combination_number,
        cohort_month,
        end_age as age,
        -customer_count as customer_count,
        -amount as amount,
        -active_squares as active_squares,
        -active_products as active_products
    from aged
    where end_age > first_age

),

combination_sums as (

    select
        age_basis,
        cohort_month,
        combination_number,
        age,
        sum(customer_count) as customer_change,
        sum(amount) as amount_change,
        sum(active_squares) as squares_change,
        sum(active_products) as products_change
    from steps
    group by age_basis, cohort_month, combination_number, age

),

step_sums as (

    select
        combination_sums.age_basis,
        combination_sums.cohort_month,
        segments.dimension,
        segments.segment,
        combination_sums.age,
        sum(combination_sums.customer_change) as customer_change,
        sum(combination_sums.amount_change) as amount_change,
        sum(combination_sums.squares_change) as squares_change,
        sum(combination_sums.products_change) as products_change
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
        initials.cohort_month,
        customers.combination_number,
        sum(initials.amount) as initial_amount,
        sum({{ exact_product('initials.money_amount', 'initials.money_amount') }}) as initial_squares
    from initials
    inner join customers
        on initials.customer_id = customers.customer_id
    group by initials.cohort_month, customers.combination_number

),

initial_amounts as (

    select
        combination_amounts.cohort_month,
        segments.dimension,
        segments.segment,
        sum(combination_amounts.initial_amount) as initial_amount,
        sum(combination_amounts.initial_squares) as initial_squares
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
        sum(coalesce(step_sums.amount_change, 0)) over cohort_ages as active_amount,
        cast(sum(coalesce(step_sums.squares_change, 0)) over cohort_ages as double) as active_squares,
        cast(sum(coalesce(step_sums.products_change, 0)) over cohort_ages as double) as active_products
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

),

rated as (

    select
        cells.*,
        cast(initial_amounts.initial_amount as double) as start_amount,
        cast(initial_amounts.initial_squares as double) as start_squares,
        initial_amounts.initial_amount,
        cells.cohort_size as start_customer_count,
        cells.active_amount / nullif(initial_amounts.initial_amount, 0) as revenue_retention_rate
    from cells
    inner join initial_amounts
        on
            cells.cohort_month = initial_amounts.cohort_month
            and cells.dimension = initial_amounts.dimension
            and cells.segment = initial_amounts.segment

)

select
    rated.age_basis,
    rated.cohort_month,
    rated.dimension,
    rated.segment,
    cast(rated.age as integer) as age,
    rated.cohort_size,
    cast(rated.active_customer_count as bigint) as active_customer_count,
    {{ money('rated.initial_amount') }} as initial_amount,
    {{ money('rated.active_amount') }} as active_amount,
    rated.active_customer_count / rated.cohort_size as retention_rate,
    {{ wilson_low('rated.active_customer_count', 'rated.cohort_size') }} as ci_low,
    {{ wilson_high('rated.active_customer_count', 'rated.cohort_size') }} as ci_high,
    rated.revenue_retention_rate,
    {{ ratio_low('revenue_retention_rate', 'active') }} as revenue_ci_low,
    {{ ratio_high('revenue_retention_rate', 'active') }} as revenue_ci_high,
    case rated.age_basis
        when 'calendar'
            then rated.cohort_month + to_months(cast(rated.age + 1 as integer)) <= rated.as_of_date + interval 1 day
        else rated.last_start_date + cast(30 * rated.age as integer) <= rated.as_of_date
            and rated.cohort_month + interval 1 month <= rated.as_of_date + interval 1 day
    end as is_complete,
    rated.cohort_size >= {{ var('min_cohort_size') }} as min_cell_ok,
    policy.policy,
    policy.policy_version,
    {{ metric_version('rpt_cohort_retention') }} as metric_version
from rated
cross join policy
