{#- Months between the two ends of a window. -#}
{%- set windows = var('retention_window_months') -%}
-- What became of each customer who paid at a month's end, so many months later, at the rate of the first month.
with context as (

    select as_of_date
    from {{ ref('int_run__context') }}

),

-- Values so many months later in the same row; a month that isn't there is one without anything paid.
followed as (

    select
        customer_id,
        month,
        currency,
        rate,
        {%- for months in windows %}
            max(closing_amount) over (
                customer_history range between {{ months }} following and {{ months }} following
            ) as end_{{ months }},
            if(
                count(*) over (customer_history range between 1 following and {{ months }} following) = {{ months }},
                min(lowest_amount) over (customer_history range between 1 following and {{ months }} following),
                0
            ) as lowest_{{ months }},
            sum(scope_change_amount) over (
                customer_history range between 1 following and {{ months }} following
            ) as scope_{{ months }},
        {%- endfor %}
        closing_amount
    from {{ ref('int_revenue__customer_levels') }}
    window customer_history as (partition by customer_id, currency order by month_number)

),

paying as (

    select *
    from followed
    where closing_amount > 0

),

final as (

    {%- for months in windows %}
        select
            paying.customer_id,
            {{ months }} as window_months,
            paying.month as start_month,
            cast(paying.month + interval {{ months }} month as date) as month,
            paying.rate,
            paying.closing_amount as start_amount,
            -- What came or went with a record that changed its id is no gain or loss.
            coalesce(paying.end_{{ months }}, 0) - coalesce(paying.scope_{{ months }}, 0) as end_amount,
            paying.lowest_{{ months }} as lowest_amount
        from paying
        cross join context
        where paying.month + interval {{ months }} month <= context.as_of_date
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}

)

select
    customer_id,
    window_months,
    start_month,
    month,
    {{ money('start_amount * rate') }} as start_amount,
    {{ money('end_amount * rate') }} as end_amount,
    {{ money('least(greatest(end_amount, 0), start_amount) * rate') }} as kept_amount,
    {{ money('least(greatest(lowest_amount, 0), start_amount, greatest(end_amount, 0)) * rate') }} as lowest_amount
from final
