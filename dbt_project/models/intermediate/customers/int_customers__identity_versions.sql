{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        schema='state',
        alias='identity_versions'
    )
}}

select
    cast(cause.known_version_number + 1 as integer) as version_number,
    cause.rules_version,
    cause.overrides_version,
    cause.model_version,
    context.as_of_date as known_date
from {{ ref('int_customers__cause') }} as cause
cross join {{ ref('int_run__context') }} as context
where
    (cause.cause <> 'data' or cause.known_version_number = 0)
    {% if is_incremental() %}
        -- Built twice without what it rests on, it would write the same row twice.
        and cause.known_version_number
        = (select coalesce(max(written.version_number), 0) from {{ this }} as written)
    {% endif %}
