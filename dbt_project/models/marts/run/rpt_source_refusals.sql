with refusals as (

    select
        source,
        table_name,
        file,
        reason
    from {{ ref('stg_ingestion__refusals') }}

),

systems as (

    select distinct
        source,
        system
    from {{ ref('stg_ingestion__tables') }}

),

final as (

    select distinct
        refusals.source,
        systems.system,
        refusals.table_name,
        refusals.file,
        refusals.reason
    from refusals
    inner join systems
        on refusals.source = systems.source

)

select
    source,
    system,
    table_name,
    file,
    reason
from final
