{{
    config(
        materialized='incremental',
        incremental_strategy='by_change',
        unique_key='past_customer_id',
        on_schema_change='fail',
        meta={'ends_with_month': true}
    )
}}
{%- set kinds = ['new', 'expansion', 'contraction', 'churn', 'reactivation', 'scope_change'] -%}
with context as (

    select
        as_of_date,
        date_trunc('month', as_of_date + interval 1 day) as open_month
    from {{ ref('int_run__context') }}

),

months as (

    select
        past_customer_id,
        max_by(customer_id, movement_date) as customer_id,
        coalesce(max_by(customer_id, movement_date), max_by(followed_id, movement_date)) as followed_id,
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
    {{ of_changed('past_customer_id') }}
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

changed as (

    select
        customer_id,
        followed_id,
        past_customer_id,
        month,
        next_month,
        currency,
        {{ money(
            'closing_amount - (' ~ (kinds | join('_amount + ')) ~ '_amount)'
        ) }} as opening_amount,
        {%- for kind in kinds %}
            {{ kind }}_amount,
        {%- endfor %}
        closing_amount,
        lowest_after,
        reporting_currency,
        {{ money(
            'reporting_closing_amount - (reporting_' ~ ((kinds + ['fx']) | join('_amount + reporting_')) ~ '_amount)'
        ) }} as reporting_opening_amount,
        {%- for kind in kinds + ['fx'] %}
            if(reporting_closing_amount is not null, reporting_{{ kind }}_amount, null) as reporting_{{ kind }}_amount,
        {%- endfor %}
        reporting_closing_amount
    from followed

),

-- From one month with a movement to the next, as long as something is paid, nothing changes.
quiet as (

    select
        changed.customer_id,
        changed.followed_id,
        changed.past_customer_id,
        changed.currency,
        changed.closing_amount,
        changed.reporting_currency,
        changed.reporting_closing_amount,
        {{ money('if(changed.reporting_closing_amount is not null, 0, null)') }} as reporting_nothing,
        unnest(
            case
                when changed.closing_amount > 0
                    then range(
                            changed.month + interval 1 month,
                            coalesce(
                                cast(changed.next_month as timestamp),
                                date_trunc('month', context.as_of_date) + interval 1 month
                            ),
                            interval 1 month
                        )
                else []
            end
        ) as month
    from changed
    cross join context

),

final as (

    select
        customer_id,
        followed_id,
        past_customer_id,
        month,
        currency,
        opening_amount,
        {%- for kind in kinds %}
            {{ kind }}_amount,
        {%- endfor %}
        closing_amount,
        least(lowest_after, opening_amount) as lowest_amount,
        reporting_currency,
        reporting_opening_amount,
        {%- for kind in kinds + ['fx'] %}
            reporting_{{ kind }}_amount,
        {%- endfor %}
        reporting_closing_amount
    from changed
    union all
    select
        customer_id,
        followed_id,
        past_customer_id,
        cast(month as date) as month,
        currency,
        closing_amount as opening_amount,
        {%- for kind in kinds %}
            {{ money('0') }} as {{ kind }}_amount,
        {%- endfor %}
        closing_amount,
        closing_amount as lowest_amount,
        reporting_currency,
        reporting_closing_amount as reporting_opening_amount,
        {%- for kind in kinds + ['fx'] %}
            reporting_nothing as reporting_{{ kind }}_amount,
        {%- endfor %}
        reporting_closing_amount
    from quiet

)

select
    final.*,
    final.month < context.open_month as is_complete
from final
cross join context
