select
    curves.dimension,
    curves.segment,
    cast(curves.age as integer) as age,
    curves.customer_count,
    curves.at_risk as at_risk_count,
    curves.survival,
    curves.ci_low,
    curves.ci_high,
    {%- for cause in ['voluntary', 'involuntary', 'suspended', 'unknown'] %}
        curves.{{ cause }}_incidence,
        curves.{{ cause }}_ci_low,
        curves.{{ cause }}_ci_high,
    {%- endfor %}
    curves.median_days / 30 as median_months,
    curves.rmst_days / 30 as mean_months,
    curves.rmst_ci_low / 30 as mean_ci_low,
    curves.rmst_ci_high / 30 as mean_ci_high,
    cast(curves.horizon_days // 30 as integer) as horizon_months,
    curves.is_complete,
    curves.customer_count >= {{ var('min_cohort_size') }} as min_cell_ok,
    policies.policy,
    policies.policy_version,
    {{ metric_version('rpt_survival') }} as metric_version
from {{ ref('int_revenue__survival_curves') }} as curves
inner join {{ ref('int_revenue__policies') }} as policies
    on policies.is_active
