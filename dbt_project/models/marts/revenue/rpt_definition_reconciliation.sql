{%- set reasons = ['trial', 'dunning', 'pause', 'cancellation', 'usage', 'discount'] -%}
with months as (

    select
        month,
        currency,
        closing_amount,
        is_complete
    from {{ ref('rpt_mrr_months') }}
    where dimension = 'all' and is_complete

),

differences as (

    select
        differences.policy,
        differences.month,
        {%- for reason in reasons %}
            {{ money(
                'sum(' ~ exact_product('differences.policy_amount', 'rates.rate')
                ~ ' - ' ~ exact_product('differences.our_amount', 'rates.rate')
                ~ ") filter (where differences.reason = '" ~ reason ~ "')"
            ) }} as {{ reason }}_amount,
        {%- endfor %}
        count(*) as subscription_count
    from {{ ref('fct_policy_differences') }} as differences
    inner join {{ ref('int_revenue__fx_rates') }} as rates
        on
            differences.currency = rates.currency
            and differences.month = rates.rate_month
    group by differences.policy, differences.month

),

final as (

    select
        policies.policy,
        policies.policy_version,
        policies.is_active,
        months.month,
        months.currency,
        months.closing_amount as our_mrr_amount,
        {%- for reason in reasons %}
            coalesce(differences.{{ reason }}_amount, 0) as {{ reason }}_amount,
        {%- endfor %}
        coalesce(differences.subscription_count, 0) as subscription_count
    from {{ ref('int_revenue__policies') }} as policies
    cross join months
    left join differences
        on
            policies.policy = differences.policy
            and months.month = differences.month

)

select
    policy,
    policy_version,
    month,
    is_active,
    currency,
    our_mrr_amount,
    {%- for reason in reasons %}
        {{ money(reason ~ '_amount') }} as {{ reason }}_amount,
    {%- endfor %}
    {{ money('our_mrr_amount + ' ~ (reasons | join('_amount + ')) ~ '_amount') }} as policy_mrr_amount,
    subscription_count,
    {{ metric_version('rpt_definition_reconciliation') }} as metric_version
from final
