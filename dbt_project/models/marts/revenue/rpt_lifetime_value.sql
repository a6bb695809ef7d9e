select
    lifetime_values.formula,
    lifetime_values.dimension,
    lifetime_values.segment,
    lifetime_values.customer_count,
    {{ money('lifetime_values.value') }} as value_amount,
    {{ money('lifetime_values.ci_low') }} as ci_low_amount,
    {{ money('lifetime_values.ci_high') }} as ci_high_amount,
    lifetime_values.currency,
    round(lifetime_values.lifespan_months, 6) as lifespan_months,
    {{ money('lifetime_values.monthly_amount') }} as monthly_amount,
    {{ money('lifetime_values.order_amount') }} as order_amount,
    round(lifetime_values.orders_per_year, 6) as orders_per_year,
    lifetime_values.horizon_months,
    lifetime_values.margin_rate,
    lifetime_values.discount_rate,
    lifetime_values.is_complete,
    lifetime_values.missing_reason,
    lifetime_values.customer_count >= {{ var('min_cohort_size') }} as min_cell_ok,
    if(lifetime_values.formula in ('clv_simple', 'clv_margin_disc'), policies.policy, null) as policy,
    if(lifetime_values.formula in ('clv_simple', 'clv_margin_disc'), policies.policy_version, null) as policy_version,
    {{ metric_version('rpt_lifetime_value') }} as metric_version
from {{ ref('int_revenue__lifetime_values') }} as lifetime_values
inner join {{ ref('int_revenue__policies') }} as policies
    on policies.is_active
