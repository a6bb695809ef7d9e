{%- set kinds = ['new', 'expansion', 'contraction', 'churn', 'reactivation', 'scope_change', 'fx'] -%}
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

months as (

    select
        *,
        coalesce(customer_id, past_customer_id) as today_id
    from {{ ref('fct_customer_months') }}
    where reporting_currency is not null

),

amounts as (

    select
        months.month,
        segments.dimension,
        segments.segment,
        any_value(months.reporting_currency) as currency,
        sum(months.reporting_opening_amount) as opening_amount,
        {%- for kind in kinds %}
            sum(months.reporting_{{ kind }}_amount) as {{ kind }}_amount,
        {%- endfor %}
        sum(months.reporting_closing_amount) as closing_amount,
        count(distinct months.today_id) filter (where months.opening_amount > 0) as opening_customer_count,
        count(distinct months.today_id) filter (where months.closing_amount > 0) as closing_customer_count
    from months
    inner join segments
        on months.today_id = segments.customer_id
    group by months.month, segments.dimension, segments.segment

),

events as (

    select
        movements.movement_month as month,
        segments.dimension,
        segments.segment,
        count(*) filter (where movements.movement = 'new') as new_customer_count,
        count(*) filter (where movements.movement = 'churn') as churned_customer_count,
        count(*) filter (where movements.movement = 'reactivation') as reactivated_customer_count,
        sum(movements.reporting_amount) filter (
            where movements.movement = 'churn' and movements.reason = 'voluntary'
        ) as voluntary_churn_amount,
        sum(movements.reporting_amount) filter (
            where movements.movement = 'churn' and movements.reason = 'involuntary'
        ) as involuntary_churn_amount
    from {{ ref('fct_mrr_movements') }} as movements
    inner join segments
        on coalesce(movements.customer_id, movements.past_customer_id) = segments.customer_id
    where movements.reporting_currency is not null
    group by movements.movement_month, segments.dimension, segments.segment

)

select
    amounts.month,
    amounts.dimension,
    amounts.segment,
    amounts.currency,
    {{ money('amounts.opening_amount') }} as opening_amount,
    {%- for kind in kinds %}
        {{ money('amounts.' ~ kind ~ '_amount') }} as {{ kind }}_amount,
    {%- endfor %}
    {{ money('amounts.closing_amount') }} as closing_amount,
    {{ money('12 * amounts.closing_amount') }} as arr_amount,
    amounts.opening_customer_count,
    amounts.closing_customer_count,
    coalesce(events.new_customer_count, 0) as new_customer_count,
    coalesce(events.churned_customer_count, 0) as churned_customer_count,
    coalesce(events.reactivated_customer_count, 0) as reactivated_customer_count,
    {{ money('coalesce(events.voluntary_churn_amount, 0)') }} as voluntary_churn_amount,
    {{ money('coalesce(events.involuntary_churn_amount, 0)') }} as involuntary_churn_amount,
    -(amounts.churn_amount + amounts.contraction_amount) / nullif(amounts.opening_amount, 0) as gross_mrr_churn_rate,
    -(
        amounts.churn_amount + amounts.contraction_amount + amounts.expansion_amount + amounts.reactivation_amount
    ) / nullif(amounts.opening_amount, 0) as net_mrr_churn_rate,
    amounts.expansion_amount / nullif(amounts.opening_amount, 0) as expansion_rate,
    (amounts.new_amount + amounts.expansion_amount + amounts.reactivation_amount)
    / nullif(-(amounts.contraction_amount + amounts.churn_amount), 0) as quick_ratio,
    {{ money('amounts.closing_amount / nullif(amounts.closing_customer_count, 0)') }} as arpa_amount,
    amounts.month + interval 1 month <= context.as_of_date + interval 1 day as is_complete,
    amounts.opening_customer_count >= {{ var('min_cohort_size') }} as min_cell_ok,
    policy.policy
from amounts
cross join context
cross join policy
left join events
    on
        amounts.month = events.month
        and amounts.dimension = events.dimension
        and amounts.segment = events.segment
