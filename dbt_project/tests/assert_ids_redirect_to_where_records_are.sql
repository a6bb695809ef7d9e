-- Every id that the ledger ever gave by the as-of date redirects; to itself exactly if it has records, to one that has
-- records otherwise, or to none.
with minted as (

    select distinct
        ledger.entity,
        ledger.durable_id
    from {{ ref('int_customers__ledger') }} as ledger
    inner join {{ ref('int_run__context') }} as context
        on ledger.known_date <= context.as_of_date
    where ledger.durable_id is not null

),

alive as (

    select distinct
        entity,
        durable_id
    from {{ ref('int_customers__record_ids') }}

),

redirects as (

    select *
    from {{ ref('map_id_redirects') }}

)

select
    entity,
    durable_id,
    redirects.current_id
from minted
full join redirects using (entity, durable_id)
left join alive using (entity, durable_id)
left join alive as targets
    on
        entity = targets.entity
        and redirects.current_id = targets.durable_id
where
    minted.durable_id is null
    or redirects.durable_id is null
    or (alive.durable_id is not null) != (redirects.current_id is not distinct from durable_id)
    or (redirects.current_id is not null and targets.durable_id is null)
