with order_lines as (

    select
        ordered_at,
        currency
    from {{ ref('stg_files__order_lines') }}

),

as_of as (

    select
        coalesce(
            {% if var('as_of_date') %}cast('{{ var("as_of_date") }}' as date){% else %}cast(null as date){% endif %},
            cast(max(ordered_at) as date)
        ) as as_of_date
    from order_lines

),

loads as (

    select max(load_id) as last_load_id
    from {{ ref('stg_ingestion__loads') }}

),

final as (

    select
        as_of.as_of_date,
        max(order_lines.ordered_at) as data_through_at,
        case
            when min(order_lines.currency) = max(order_lines.currency) then min(order_lines.currency)
        end as reporting_currency,
        any_value(loads.last_load_id) as last_load_id
    from as_of
    cross join loads
    left join order_lines
        on as_of.as_of_date >= cast(order_lines.ordered_at as date)
    group by as_of.as_of_date

)

select
    as_of_date,
    data_through_at,
    reporting_currency,
    last_load_id
from final
