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

counted as (

    select
        month,
        recovery_days,
        currency,
        count(*) as failed_invoice_count,
        count(*) filter (where is_recovered) as recovered_invoice_count,
        sum(failed_amount) as failed_amount,
        sum(recovered_amount) as recovered_amount,
        -- For the interval of the share by amount; see the macro.
        count(*) as start_customer_count,
        sum(failed_amount) as start_amount,
        sum({{ exact_product('failed_amount', 'failed_amount') }}) as start_squares,
        sum({{ exact_product('recovered_amount', 'recovered_amount') }}) as recovered_squares,
        sum({{ exact_product('recovered_amount', 'failed_amount') }}) as recovered_products
    from {{ ref('fct_failed_invoices') }}
    group by month, recovery_days, currency

),

rated as (

    select
        *,
        recovered_amount / failed_amount as amount_recovery_rate
    from counted

)

select
    rated.month,
    rated.recovery_days,
    rated.currency,
    rated.failed_invoice_count,
    rated.recovered_invoice_count,
    {{ money('rated.failed_amount') }} as failed_amount,
    {{ money('rated.recovered_amount') }} as recovered_amount,
    rated.recovered_invoice_count / rated.failed_invoice_count as recovery_rate,
    {{ wilson_low('rated.recovered_invoice_count', 'rated.failed_invoice_count') }} as ci_low,
    {{ wilson_high('rated.recovered_invoice_count', 'rated.failed_invoice_count') }} as ci_high,
    rated.amount_recovery_rate,
    {{ ratio_low('amount_recovery_rate', 'recovered') }} as amount_ci_low,
    {{ ratio_high('amount_recovery_rate', 'recovered', most=1) }} as amount_ci_high,
    rated.month + interval 1 month + to_days(rated.recovery_days)
    <= context.as_of_date + interval 1 day as is_complete,
    rated.failed_invoice_count >= {{ var('min_cohort_size') }} as min_cell_ok,
    policy.policy,
    policy.policy_version,
    {{ metric_version('rpt_failed_payments') }} as metric_version
from rated
cross join context
cross join policy
