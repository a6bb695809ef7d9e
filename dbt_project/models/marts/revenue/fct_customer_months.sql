{%- set kinds = ['new', 'expansion', 'contraction', 'churn', 'reactivation', 'scope_change'] -%}
with context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

months as (

    select
        past_customer_id,
        any_value(customer_id) as customer_id,
        currency,
        movement_month as month,
        any_value(reporting_currency) as reporting_currency,
        {%- for kind in kinds %}
            {{ money("coalesce(sum(amount) filter (where movement = '" ~ kind ~ "'), 0)") }} as {{ kind }}_amount,
        {%- endfor %}
        {%- for kind in kinds + ['fx'] %}
            {{ money("coalesce(sum(reporting_amount) filter (where movement = '" ~ kind ~ "'), 0)") }}
                as reporting_{{ kind }}_amount,
        {%- endfor %}
        sum(amount) as change,
        sum(reporting_amount) as reporting_change,
        min(mrr_after_amount) as lowest_after
    from {{ ref('fct_mrr_movements') }}
    group by past_customer_id, currency, movement_month

),

followed as (

    select
        *,
        {{ money('sum(change) over customer_history') }} as closing_amount,
        {{ money('case when reporting_currency is not null then sum(reporting_change) over customer_history end') }}
            as reporting_closing_amount,
        lead(month) over customer_history as next_month
    from months
    window customer_history as (partition by past_customer_id, currency order by month)

),

-- From one month with a movement to the next, as long as something is paid.
spans as (

    select
        followed.*,
        unnest(
            case
                when followed.closing_amount > 0
                    then range(
                            followed.month + interval 1 month,
                            coalesce(
                                cast(followed.next_month as timestamp),
                                date_trunc('month', context.as_of_date) + interval 1 month
                            ),
                            interval 1 month
                        )
                else []
            end
        ) as quiet_month
    from followed
    cross join context

),

final as (

    select * exclude (next_month, change, reporting_change)
    from followed
    union all by name
    select
        past_customer_id,
        customer_id,
        currency,
        cast(quiet_month as date) as month,
        reporting_currency,
        closing_amount,
        reporting_closing_amount
    from spans

),

opened as (

    select
        * exclude (lowest_after),
        closing_amount
        {%- for kind in kinds %}
            - coalesce({{ kind }}_amount, 0)
        {%- endfor %} as opening_amount,
        reporting_closing_amount
        {%- for kind in kinds + ['fx'] %}
            - coalesce(reporting_{{ kind }}_amount, 0)
        {%- endfor %} as reporting_opening_amount,
        coalesce(lowest_after, closing_amount) as lowest_after
    from final

)

select
    opened.customer_id,
    opened.past_customer_id,
    opened.month,
    opened.currency,
    {{ money('opened.opening_amount') }} as opening_amount,
    {%- for kind in kinds %}
        {{ money('coalesce(opened.' ~ kind ~ '_amount, 0)') }} as {{ kind }}_amount,
    {%- endfor %}
    opened.closing_amount,
    {{ money('least(opened.lowest_after, opened.opening_amount)') }} as lowest_amount,
    opened.reporting_currency,
    {{ money('opened.reporting_opening_amount') }} as reporting_opening_amount,
    {%- for kind in kinds + ['fx'] %}
        {{ money(
                'case when opened.reporting_closing_amount is not null then coalesce(opened.reporting_' ~ kind ~ '_amount, 0) end'
            ) }} as reporting_{{ kind }}_amount,
    {%- endfor %}
    opened.reporting_closing_amount,
    opened.month + interval 1 month <= context.as_of_date + interval 1 day as is_complete
from opened
cross join context
