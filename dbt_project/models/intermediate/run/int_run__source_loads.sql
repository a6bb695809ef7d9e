{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        schema='state',
        alias='source_loads'
    )
}}

with loads as (

    select
        load_id,
        source,
        table_name,
        file,
        file_hash,
        mapping_hash,
        connection,
        received_at,
        window_start_at,
        window_end_at,
        newest_version_at,
        received_count,
        loaded_count,
        quarantined_count,
        superseded_count,
        replaced_count,
        deleted_count,
        row_number() over (
            partition by source, table_name, file, file_hash, mapping_hash
            order by load_id
        ) as occurrence
    from {{ ref('stg_ingestion__loads') }}

),

final as (

    select loads.*
    from loads
    {% if is_incremental() %}
        -- A warehouse that is rebuilt from its files loads them anew. What came is known, and when it came first stays.
        anti join {{ this }} as known
            on
                loads.source = known.source
                and loads.table_name = known.table_name
                and loads.file = known.file
                and loads.file_hash = known.file_hash
                and loads.mapping_hash = known.mapping_hash
                and loads.occurrence = known.occurrence
    {% endif %}

)

select
    load_id,
    source,
    table_name,
    file,
    file_hash,
    mapping_hash,
    occurrence,
    connection,
    received_at,
    window_start_at,
    window_end_at,
    newest_version_at,
    received_count,
    loaded_count,
    quarantined_count,
    superseded_count,
    replaced_count,
    deleted_count
from final
