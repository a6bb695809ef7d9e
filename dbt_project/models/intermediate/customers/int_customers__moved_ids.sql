-- Ids that have lost or gained records since the last release: to or from another id, or for good. What a look back
-- undid and a run did again is as it was.
with current_ids as (

    select
        source,
        list_kind,
        source_record_id,
        durable_id
    from {{ ref('int_customers__id_spells') }}
    where entity = 'customer' and valid_to_date is null

),

moved as (

    select
        last_ids.durable_id as last_id,
        current_ids.durable_id as current_id
    from {{ ref('int_customers__last_ids') }} as last_ids
    left join current_ids
        on
            last_ids.source = current_ids.source
            and last_ids.list_kind = current_ids.list_kind
            and last_ids.source_record_id = current_ids.source_record_id
    where last_ids.durable_id is distinct from current_ids.durable_id

)

select last_id as customer_id
from moved
where last_id is not null
union distinct
select current_id as customer_id
from moved
where current_id is not null
