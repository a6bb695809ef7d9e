{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        schema='state',
        alias='customer_ledger'
    )
}}

with source_customers as (

    select
        source,
        source_customer_id
    from {{ ref('int_customers__source_customers') }}

),

final as (

    select
        'cus_' || left(md5(source_customers.source || '/' || source_customers.source_customer_id), 20) as customer_id,
        source_customers.source,
        source_customers.source_customer_id,
        'created' as event,
        'data' as cause,
        context.as_of_date as known_date
    from source_customers
    cross join {{ ref('int_run__context') }} as context
    {% if is_incremental() %}
        anti join {{ this }} as known
            on
                source_customers.source = known.source
                and source_customers.source_customer_id = known.source_customer_id
    {% endif %}

)

select
    customer_id,
    source,
    source_customer_id,
    event,
    cause,
    known_date
from final
