{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        schema='state',
        alias='identity_ledger'
    )
}}

with known_ledger as (

    select *
    from {{ ref('int_customers__known_ledger') }}

),

changes as (

    select
        entity,
        source,
        list_kind,
        source_record_id,
        assignments.durable_id,
        coalesce(assignments.cause, 'data') as cause
    from {{ ref('int_customers__assignments') }} as assignments
    full join {{ ref('int_customers__known_records') }} as known
        using (entity, source, list_kind, source_record_id)
    where assignments.durable_id is distinct from known.durable_id

),

numbered as (

    select
        coalesce((select max(known_ledger.ledger_number) from known_ledger), 0)
        + row_number() over (
            order by changes.entity, changes.source, changes.list_kind, changes.source_record_id
        ) as ledger_number,
        changes.entity,
        changes.source,
        changes.list_kind,
        changes.source_record_id,
        changes.durable_id,
        changes.cause,
        context.as_of_date as known_date
    from changes
    cross join {{ ref('int_run__context') }} as context
    where context.as_of_date is not null

),

final as (

    select *
    from numbered
    {% if is_incremental() %}
        -- Built twice without what it rests on, it would write the same rows twice.
        where
            (select max(known_ledger.ledger_number) from known_ledger)
            is not distinct from (select max(written.ledger_number) from {{ this }} as written)
    {% else %}
        union all by name
        select *
        from known_ledger
    {% endif %}

)

select
    cast(ledger_number as bigint) as ledger_number,
    entity,
    source,
    list_kind,
    source_record_id,
    durable_id,
    cause,
    known_date
from final
order by ledger_number
