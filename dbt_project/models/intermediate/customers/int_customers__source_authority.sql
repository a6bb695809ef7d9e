with authority as (

    select *
    from {{ ref('source_authority') }}

),

sources as (

    select distinct source
    from {{ ref('stg_ingestion__tables') }}

),

written as (

    select
        authority.*,
        try_cast(authority.authority_rank as integer) as authority_number,
        sources.source is not null as is_known_source,
        row_number() over (
            partition by authority.entity, authority.field_group, authority.source
            order by try_cast(authority.authority_rank as integer)
        ) as source_number,
        row_number() over (
            partition by authority.entity, authority.field_group, try_cast(authority.authority_rank as integer)
            order by authority.source
        ) as rank_number,
        concat_ws(
            ',', authority.entity, authority.field_group, authority.source, authority.authority_rank
        ) as row_text
    from authority
    left join sources
        on authority.source = sources.source

),

known as (

    select string_agg(source, ', ' order by source) as source_names
    from sources

),

judged as (

    select
        written.*,
        case
            when coalesce(entity, '') <> 'customer' then 'an unknown entity; there is only customer'
            when coalesce(field_group, '') not in ('identity', 'contract', 'status', 'owner', 'segment')
                then 'an unknown field group; there are identity, contract, status, owner and segment'
            when not is_known_source then 'an unknown source; there are ' || known.source_names
            when
                coalesce(authority_number, 0) < 1 or try_cast(authority_rank as double) <> authority_number
                then 'no rank; ranks are 1, 2, 3 and so on'
            when source_number > 1 then 'its source twice in this group'
            when rank_number > 1 then 'the same rank as another source of this group'
        end as mistake
    from written
    cross join known

)

select
    entity,
    field_group,
    source,
    case
        when mistake is null then authority_number
        else error('source_authority.csv: the row "' || row_text || '" has ' || mistake || '.')
    end as authority_rank
from judged
